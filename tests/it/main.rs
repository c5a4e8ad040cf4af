//! The black-box suite. `cargo xtask test` builds the executables first.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they check in their names, and what does not hold must end them"
)]

mod bad_input;
mod bitbucket;
mod canaries;
mod crash;
mod first_light;
mod forge_trouble;
mod forges_cli;
mod git_inside;
mod keys;
mod kite_attacks;
mod kites;
mod open_id;
mod people;
mod restart;
mod sign_in;
mod terminal;
mod token_life;
