//! Tests of the built executables from outside: real processes, real git, real sandboxes.
//!
//! What a test needs it says over the command line and the public API. Of Hearth's own code only the
//! test kit is used, the `kite` crate as the library of a stranger's service, the agent where thousands must
//! run without sandboxes, and the store where a database must be filled faster than the API could.
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
