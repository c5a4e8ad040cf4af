//! The agent behind a real connection: a real client, real processes, a real git.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod bench;
mod checkout;
mod clone;
mod credential;
mod dotfiles;
mod egress;
mod exec;
mod exec_stream;
mod files;
mod flow;
mod skew;
mod ssh;
mod stand_in;
mod terminals;
