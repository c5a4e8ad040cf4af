//! What tests need instead of the outside world: a clock that stands still, entropy that repeats, a real
//! PostgreSQL in a temporary folder, real Git repositories, a GitLab double, real OAuth and OpenID
//! Connect servers, doubles of forges, and waiting for a condition with a limit.
//!
//! Only ever a dev-dependency.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot get what it needs fails by panicking"
)]

pub mod browser;
pub mod doorkeeper;
pub mod forge_double;
pub mod git;
pub mod gitlab;
pub mod kite_js;
pub mod oauthlib;
pub mod oidc_provider;
pub mod peers;

mod azure;
mod bitbucket_cloud;
mod bitbucket_server;
mod clock;
mod entropy;
mod gitea;
mod github;
mod postgres;
mod wait;

pub use clock::FakeClock;
pub use entropy::SeededEntropy;
pub use postgres::{Postgres, postgres};
pub use wait::wait_until;
