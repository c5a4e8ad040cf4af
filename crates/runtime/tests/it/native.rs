//! The native driver on this machine: as root, and once more as an ordinary user.

mod contract;
mod escapes;
mod files;
mod images;
mod lab;
mod limits;
mod memory;
mod network;
mod ordinary;
mod recovery;
mod tricks;
mod workspace;
