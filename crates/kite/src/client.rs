//! The client's end of every transport, and a [`Client`] that stays connected.
//!
//! [`Dialer`] connects once: by raw WebSocket, by SockJS over WebSocket or by SockJS polling, over TCP, TLS or a
//! Unix socket. [`Client`] dials again and again, and makes calls on whatever connection there is.

mod backoff;
mod dialer;
mod error;
mod keeper;
mod post;
mod route;
mod xhr;

pub use backoff::Backoff;
pub use dialer::{Dialer, Transports};
pub use error::DialError;
pub use keeper::{Client, ClientBuilder, State};
