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
mod kite_link;
mod klient;
mod klient_exec;
mod klient_fs;
mod klient_log;
mod klient_pubsub;
mod klient_sshkeys;
mod klient_storage;
mod klient_watch;
mod klient_webterm;
mod skew;
mod ssh;
mod stand_in;
mod terminals;
