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
mod machine;
mod register;
mod restart;
mod rights;
mod share;
mod shelf;
mod token;
mod watch;
mod world;
