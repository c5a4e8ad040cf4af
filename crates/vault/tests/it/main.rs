//! The vault against the tools that others use: OpenSSH and OpenSSL.
#![allow(missing_docs, reason = "tests say what they check in their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail like the test")]
#![allow(clippy::print_stdout, reason = "a test that cannot run says so")]

mod envelope;
mod file_key;
mod oauth1;
mod ssh;
mod tool;
