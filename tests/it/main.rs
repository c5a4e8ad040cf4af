//! The black-box suite. `cargo xtask test` builds the executables first.
#![allow(missing_docs, reason = "tests say what they check in their names")]

mod bad_input;
mod crash;
mod first_light;
mod people;
mod terminal;
