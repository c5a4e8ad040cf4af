//! The Kite protocol: services that call each other both ways.
//!
//! A [`Service`] is a set of methods. Over any [`transport`] it becomes one end of a connection: a [`Peer`], through
//! which the other end is called, and a [`Connection`], the future that does the work. Both ends are alike, whoever
//! dialled. Arguments and results may hold functions: ours are [`Function`]s of a group, [`Functions`], and those of
//! the other end are [`Callback`]s.
//!
//! What holds of every connection:
//!
//! - Everything that it keeps has a limit ([`Limits`]). What is full makes the other end wait, or its own
//!   callers; nothing is dropped silently.
//! - Every call is judged for itself by the [`Authenticator`], also on a connection that this end dialled. What a
//!   caller says of itself is its own word only; [`Caller::username`] is proved.
//! - Errors to callers say nothing of faults inside: details are in our log under the request's id.
//! - However a connection ends, who waits learns it (`disconnect`), functions are released, and handlers are dropped.
//!
//! The wire is that of kite.js and of Go's kites ([`dnode`]). Three differences are meant: functions get their
//! arguments raw (a server made with kite.js wraps the first one as `{"error": …}`), an unknown method is answered
//! (kite.js is silent), and answers are taken in both forms, `{error, result}` and `(error, result)`.

pub mod dnode;
pub mod error;
pub mod transport;

pub mod client;
pub mod server;

pub mod kontrol;
pub mod token;

mod arguments;
mod authentication;
mod callback;
mod connection;
mod context;
mod descriptor;
mod function;
mod limits;
mod payload;
mod peer;
mod request;
mod service;
mod sockjs;
mod web_socket;

pub use arguments::Arguments;
pub use authentication::{Authentication, Authenticator, Caller, Claim, Verified};
pub use callback::Callback;
pub use connection::{Connection, ConnectionCounts};
pub use context::Context;
pub use descriptor::{InvalidKite, Kite};
pub use error::Error;
pub use function::{Function, Functions};
pub use limits::Limits;
pub use peer::{Call, Peer};
pub use request::Request;
pub use service::{Counts, Linux, MethodOptions, RateLimit, Service, ServiceBuilder, System, SystemInfo};
