//! Tests of what is said to forges, and of what pasted addresses mean.
#![allow(missing_docs, reason = "tests say what they check in their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail like the test")]

mod azure;
mod bitbucket_cloud;
mod bitbucket_server;
mod context;
mod forge_row;
mod fuzz_context;
mod gitlab;
mod gitlab_sign_in;
mod host_keys;
mod hub;
mod id_token;
mod oauth1;
mod open_id;
mod payloads;
mod resolved;
mod settings;
