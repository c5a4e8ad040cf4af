//! Tests of outgoing connections against real servers on this machine's loopback.
#![allow(missing_docs, reason = "tests say what they check in their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail like the test")]

mod bounds;
mod guard;
mod redirects;
mod retries;
mod server;
mod trust;
