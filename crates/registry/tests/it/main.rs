//! Tests of the whole crate, through real connections in memory.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails by panicking"
)]

mod agents;
mod attacks;
mod find;
mod hall;
mod http;
mod key;
mod machine;
mod register;
mod renewal;
mod restart;
mod rights;
mod servers;
mod share;
mod shelf;
mod token;
mod watch;
mod world;
