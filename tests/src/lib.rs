//! Tests of the built executables from outside: real processes, real git, real sandboxes.
//!
//! Nothing of Hearth's own code is used here but the test kit; what a test needs it says over the
//! command line and the public API.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this is a test: what does not hold must end it"
)]

pub mod leftovers;
pub mod server;
