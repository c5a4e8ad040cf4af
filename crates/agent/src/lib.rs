//! What runs in every workspace: commands, terminals, files, the clone, a way out for git.
//!
//! The agent dials the server and then *serves* `wire::agent`'s table over that one connection
//! ([`Agent::run`]). Terminals and commands belong to the agent, not to the connection: they go on while
//! it is away. It runs as the workspace's user beside code nobody vouches for, so it holds one secret
//! (its credential), shows it to no child, and gives nobody more than the user has anyway.

mod activity;
mod agent;
mod api;
mod clone;
mod descriptor;
mod egress;
mod environment;
mod exec;
mod files;
mod frames;
mod problem;
mod process;
mod reconnect;
mod terminal;
mod usage;

pub use agent::{Agent, Outside};
pub use descriptor::{ConfigError, close_inherited, hide_from_others, read_config};
