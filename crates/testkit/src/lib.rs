//! What tests need instead of the outside world: a clock that stands still, entropy that repeats, a real
//! PostgreSQL in a temporary folder, real Git repositories, and waiting for a condition with a limit.
//!
//! Only ever a dev-dependency.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot get what it needs fails by panicking"
)]

pub mod git;

mod clock;
mod entropy;
mod postgres;
mod wait;

pub use clock::FakeClock;
pub use entropy::SeededEntropy;
pub use postgres::{Postgres, postgres};
pub use wait::wait_until;
