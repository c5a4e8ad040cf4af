//! Tests of the built executables from outside: real processes, real git, real sandboxes.
//!
//! Nothing of Hearth's own code is used here but the test kit; what a test needs it says over the
//! command line and the public API. The one exception fills a database faster than the API could.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this is a test: what does not hold must end it"
)]

pub mod forge;
pub mod gitlab;
pub mod leftovers;
pub mod person;
pub mod server;
