//! Each peer starts, answers as the product does, and refuses what the product refuses.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "functions that tests share fail as tests do, and tables are long"
)]

mod client;
mod doorkeeper;
mod forges;
mod oauthlib;
mod oidc_provider;
