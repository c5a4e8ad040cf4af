//! The control plane against a simulated machine, real sockets, a real store and real Git.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking, in its helpers too"
)]

mod forge_world;
mod kites_world;
mod sim;

mod bad_input;
mod broker;
mod changes;
mod contexts;
mod crash;
mod egress;
mod forges;
mod fork;
mod handoff;
mod image;
mod inside;
mod kites;
mod kites_end;
mod kites_keys;
mod kites_relay;
mod kites_upkeep;
mod links;
mod links_peers;
mod log;
mod people;
mod place;
mod platform;
mod published_forges;
mod revoked;
mod sign_in_with;
mod ssh_keys;
mod start;
mod stop;
mod team_secrets;
mod teams;
mod token_life;
mod transit;
mod trouble;
