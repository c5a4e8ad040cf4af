//! What runs in every workspace: commands, terminals, files, the clone, a way out for git.
//!
//! The agent dials the server and then *serves* `wire::agent`'s table over that one connection
//! ([`Agent::run`]). Terminals and commands belong to the agent, not to the connection: they go on while
//! it is away. It runs as the workspace's user beside code nobody vouches for, so it holds one secret
//! (its credential), shows it to no child, and gives nobody more than the user has anyway. Tokens of forges
//! and the person's SSH key stay on the server: git and SSH inside ask for each use ([`run_helper`]).

mod activity;
mod agent;
mod api;
mod asks;
mod background;
mod clone;
mod descriptor;
mod doors;
mod dotfiles;
mod egress;
mod environment;
mod exec;
mod files;
mod frames;
mod git_config;
mod kite_link;
mod kite_relay;
mod klient;
mod part_file;
mod problem;
mod process;
mod reconnect;
mod ssh_agent;
mod subcommand;
mod terminal;
mod usage;
mod wishes;

pub use agent::{Agent, Outside};
pub use descriptor::{ConfigError, close_inherited, hide_from_others, read_config};
pub use subcommand::run_helper;
