//! The machine below: images, health, versions.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An unpacked image that workspaces can start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageView {
    /// Id: the digest of its configuration.
    #[schema(example = "sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0")]
    pub id: String,
    /// What to name in `rootfs`; any of them.
    #[schema(example = json!(["docker.io/library/debian:13"]))]
    pub names: Vec<String>,
    /// Bytes on disk, layers shared with other images included.
    pub size_bytes: u64,
    /// When it came here.
    pub created_at: Timestamp,
}

/// Fetches an image from its registry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PullImage {
    /// `debian:13`, `registry.example.com/team/image@sha256:…`
    pub reference: String,
}

/// What the machine gives and lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doctor {
    /// Whether workspaces can run at all.
    pub usable: bool,
    /// How it works here, for people.
    pub summary: String,
    /// Everything that is missing, worst first.
    pub lacks: Vec<Lack>,
}

/// Something the machine does not give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lack {
    /// What.
    pub what: String,
    /// What to do about it.
    pub mend: String,
    /// Whether nothing works without it.
    pub fatal: bool,
}

/// Which server this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Release, such as `0.1.0`.
    pub version: String,
    /// The agent protocol it speaks; agents of this version and the one before work with it.
    pub agent_protocol: u32,
    /// Where people reach it.
    #[schema(example = "https://hearth.example.com/")]
    pub public_url: String,
}

/// Whether the server can do its work, with one line for each thing it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether all checks passed.
    pub ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check of [`Readiness`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// `store` or `driver`.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// What to do about it where it did not.
    pub mend: Option<String>,
}
