//! Tests of outgoing connections against real servers on this machine's loopback.
#![allow(missing_docs, reason = "tests say what they check in their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail like the test")]

mod bounds;
mod calls;
mod guard;
mod proxy;
mod redirects;
mod retries;
mod secure;
mod server;
mod trust;
