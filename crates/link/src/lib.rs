//! The connection between the server and an agent, both ends of it.
//!
//! The agent dials ([`dial`]), the handshake is a WebSocket upgrade ([`handshake`]), and inside its
//! binary frames ([`ByteStream`]) runs one HTTP/2 connection whose *client is the server*
//! ([`AgentClient`]). Its text frames ([`TextPlane`]) are a Kite transport between the agent and the registry;
//! another Kite client's messages are a stream of the byte plane ([`KiteStream`]). [`Agents`] knows who is
//! connected. What is said over it stands in `wire::agent`; nothing here knows what a call means.

mod agents;
mod byte_stream;
mod client;
mod dial;
mod duplex;
mod error;
mod front;
pub mod handshake;
mod kite_stream;
mod listen;
mod raw;
mod text_plane;

pub use agents::{AgentEvent, Agents};
pub use byte_stream::ByteStream;
pub use client::{AgentClient, FileBody, FileRead, Lines};
pub use dial::{DialError, Dialled, Io, dial};
pub use duplex::{Duplex, FrameReceiver, FrameSender};
pub use error::LinkError;
pub use kite_stream::KiteStream;
pub use listen::{Admission, accept_upgraded, listen_unix};
pub use raw::RawStream;
pub use text_plane::TextPlane;
