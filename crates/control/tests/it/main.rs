//! The control plane against a simulated machine, real sockets, a real store and real Git.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking, in its helpers too"
)]

mod sim;

mod bad_input;
mod changes;
mod crash;
mod egress;
mod fork;
mod image;
mod log;
mod people;
mod place;
mod revoked;
mod start;
mod stop;
mod trouble;
