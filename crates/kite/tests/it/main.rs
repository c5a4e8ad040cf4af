//! Tests of the whole crate.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod client;
mod connection;
mod ends;
mod functions;
mod hostile;
mod kite_attacks;
mod kite_js;
mod kontrol;
mod limits;
mod message;
mod node;
mod server;
mod service;
mod token;
mod token_peers;
mod transcript;
