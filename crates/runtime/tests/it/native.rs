//! The native driver on this machine: as root, and once more as an ordinary user.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::fn_to_numeric_cast_any,
    reason = "tests say what they saw, fail where they must, and make system calls with numbers"
)]

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
