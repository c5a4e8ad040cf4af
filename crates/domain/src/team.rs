//! Teams: the tenants. Workspaces, forges and secrets belong to one.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{InvitationId, TeamId, UserId};
use crate::image::Rootfs;
use crate::limits::Limits;

/// The text cannot be a team's name in addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be a team's address: {why}")]
pub struct InvalidSlug {
    text: String,
    why: &'static str,
}

/// Names that would shadow hosts and paths of the server itself.
const RESERVED: &[&str] =
    &["admin", "api", "apps", "assets", "auth", "hearth", "login", "oauth", "settings", "static", "www"];

/// A team's name in addresses (`acme.example.com`, `/t/acme`): a DNS label of at most 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TeamSlug(String);

impl TeamSlug {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TeamSlug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let refuse = |why| Err(InvalidSlug { text: text.chars().take(64).collect(), why });
        if text.is_empty() || text.len() > 40 {
            return refuse("it must have 1 to 40 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return refuse("only lower-case letters, digits and hyphens are allowed");
        }
        // Two hyphens separate a port from a workspace in host names.
        if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
            return refuse("hyphens only singly and inside");
        }
        if RESERVED.contains(&text) {
            return refuse("this word is taken by Hearth itself");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TeamSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<TeamSlug> for String {
    fn from(slug: TeamSlug) -> String {
        slug.0
    }
}

impl TryFrom<String> for TeamSlug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        text.parse()
    }
}

/// What a member may do in a team. Ordered: each may everything the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Makes workspaces in it.
    Member,
    /// Manages members, forges, secrets, and the life of the team's workspaces.
    Admin,
    /// Also names admins and owners, and deletes the team.
    Owner,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Id.
    pub id: TeamId,
    /// Name in addresses, unique.
    pub slug: TeamSlug,
    /// Name to show.
    pub name: String,
    /// What its workspaces get when nobody says otherwise.
    pub defaults: TeamDefaults,
    /// Whether it is the team that everybody belongs to, which cannot be left or deleted.
    pub everybody: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Team {
    /// The id of the team that everybody belongs to, the same in every installation.
    pub const EVERYBODY: TeamId = TeamId::from_bytes([0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);
}

/// What a team's workspaces get when nobody says otherwise; the server's own where absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamDefaults {
    /// What they stand on.
    #[serde(default)]
    pub rootfs: Option<Rootfs>,
    /// What they may use.
    #[serde(default)]
    pub limits: Option<Limits>,
}

/// Somebody's place in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Which team.
    pub team: TeamId,
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: TeamRole,
    /// Since when.
    pub since: Timestamp,
}

/// A link that lets its first visitor into a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Id.
    pub id: InvitationId,
    /// Into which team.
    pub team: TeamId,
    /// As what.
    pub role: TeamRole,
    /// Who it is meant for, in the inviter's words; shown, not checked.
    pub note: String,
    /// Who invited.
    pub by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}
