//! The server's end of every transport: raw WebSocket, SockJS over WebSocket, polling, streaming and
//! event sources, below any address of an HTTP server.
//!
//! An [`Endpoint`] is made of a [`Handler`], who says who may connect and serves what connected; a
//! [`Service`](crate::Service) is one. [`Endpoint::router`] goes into an existing HTTP server with
//! `nest_service`, [`serve`] is a server by itself.
//!
//! # Who may connect from where
//!
//! Nothing here ever looks at a cookie, so pages of every origin may connect and no page gains anything from its
//! visitor's session elsewhere. `Access-Control-Allow-Origin` repeats the page's origin and credentials are
//! allowed, because sockjs-client sends its requests to other origins in that mode and browsers then refuse
//! `*`. For the same reason a handler must never take authority from what browsers send by themselves:
//! cookies, `Authorization: Basic`, client certificates. A bearer token is safe.
//!
//! # Sessions
//!
//! Clients choose the ids of SockJS sessions, so an id proves nothing: whoever comes with another address or
//! another `Authorization` header than the session's first request gets 404, as does who asks for nothing known.

mod address;
mod cors;
mod endpoint;
mod handler;
mod places;
mod receive;
mod send;
mod session;
mod sessions;
mod settings;
mod stand_alone;
mod upgrade;

pub use address::PeerAddress;
pub use endpoint::Endpoint;
pub use handler::{Closing, Handler, Refusal};
pub use settings::Settings;
pub use stand_alone::serve;
