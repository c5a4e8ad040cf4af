//! Every request that leaves the server because somebody asked for it goes through here.
//!
//! A person or a repository names an address; the server must not become their way to the machine's own
//! services, its private network or the cloud's metadata. [`Client`] therefore checks an address at the
//! moment it is dialled:
//!
//! - a host that *is* an address, in any spelling, is checked after URL normalisation;
//! - a host name is resolved once, the answer is filtered, and exactly that answer is dialled, so a name
//!   cannot change its mind in between (DNS rebinding);
//! - each redirect is checked like the first request; their number is capped and none leads from `https`
//!   to `http`;
//! - the proxy variables of the environment are ignored: a proxy would dial unseen by the guard.
//!
//! Sizes and times are bounded. Only `GET` and `HEAD` are repeated, a few times, with jittered pauses.
//!
//! **Invariant:** nothing else in the workspace makes an HTTP request or dials a host a user named.

mod client;
mod error;
mod policy;
mod request;
mod resolve;
mod response;
mod tls;

pub use client::{Builder, Client};
pub use error::Error;
pub use policy::Policy;
pub use request::Request;
pub use resolve::{Resolver, Resolving};
pub use response::Response;
