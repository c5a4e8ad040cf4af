//! One connection: what its users share ([`Shared`]) and the future that does its work ([`Connection`]).
//!
//! The future reads, runs calls and functions, and writes; it spawns nothing and has no timer while it is idle. A handler
//! that is ready at once costs no more than a function call. It is woken by the transport, by handlers, and
//! by whoever puts a message into the outbox.

mod answer;
mod end;
mod engine;
mod envelope;
mod groups;
mod heartbeat;
mod incoming;
mod outgoing;
mod pipe;
mod shared;
mod table;

pub use engine::Connection;
pub use shared::ConnectionCounts;

pub(crate) use heartbeat::Heartbeat;
pub(crate) use incoming::Incoming;
pub(crate) use shared::Shared;
