//! A machine, its agents and servers on it, all in this process.
//!
//! The machine outlives the servers, as real sandboxes do: dropping a server is like pulling its plug.

mod agent;
mod machine;
mod world;

pub(crate) use machine::{Machine, Point};
pub(crate) use world::{LIMIT, Server, World, is_running, phase_of};
