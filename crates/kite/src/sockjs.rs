//! The framing of [SockJS](https://github.com/sockjs/sockjs-protocol) 0.3, which both ends share: what a
//! frame looks like, what a batch of messages looks like, and which addresses there are below an endpoint.
//!
//! No input or output here; the server's sessions are in `server`, the client's polling in `client`.

mod batch;
mod frame;
mod place;

pub(crate) use batch::{BatchError, read_batch, write_batch};
pub(crate) use frame::{Close, Frame, quote, write_messages};
pub(crate) use place::{Place, Route, locate};

#[cfg(test)]
mod tests;
