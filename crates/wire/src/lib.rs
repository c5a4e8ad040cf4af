//! The words spoken on the wire: between server and agent, and between the world and the server.
//!
//! Types and their encoding only; nothing here knows how bytes travel or where things are stored.

pub mod agent;
pub mod api;
pub mod frame;
