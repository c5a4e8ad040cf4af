//! Both ends of the connection, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod agents;
mod connect;
mod kites;
mod planes;
mod remote;
mod skew;
mod stand;
