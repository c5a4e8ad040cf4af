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
//! - the proxy variables of the environment are ignored: a proxy would dial unseen by the guard. An operator
//!   may set one on purpose, which then has to do the guard's work for names.
//!
//! Calls that carry a token follow no redirect ([`Builder::no_redirects`]) or stay within the origin
//! ([`Builder::same_origin_redirects`]). There is no way to trust a host without a good certificate.
//!
//! Sizes and times are bounded. Answers are never decompressed, so a small one cannot become a large one; the
//! head of an answer has at most 100 headers over HTTP/1.1 and 16 KiB over HTTP/2. Only `GET` and `HEAD` are repeated, a few times, with jittered pauses.
//!
//! **Invariant:** nothing else in the workspace makes an HTTP request or dials a host a user named.

mod builder;
mod certificate;
mod client;
mod error;
mod policy;
mod redirect;
mod request;
mod resolve;
mod response;
mod tls;
mod tls_reason;
mod tunnel;

pub use builder::Builder;
pub use certificate::{CertificateInfo, ChainCertificate};
pub use client::Client;
pub use error::Error;
pub use policy::Policy;
pub use request::Request;
pub use resolve::{Resolver, Resolving};
pub use response::Response;
pub use tls_reason::TlsReason;
