//! Tests of what runs workspaces, on the real machine.
#![allow(missing_docs, reason = "tests say what they check in their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail like the test")]

mod image;
mod native;
