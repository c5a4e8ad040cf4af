//! People who can sign in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::name::UserName;

/// What a person may do on the whole platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works in own workspaces.
    Member,
    /// Runs the platform: people, images, every workspace's life (not its contents).
    Admin,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// What the person signs in with.
    pub name: UserName,
    /// Author name for commits and the UI, if given.
    pub display_name: Option<String>,
    /// Author address for commits, if given.
    pub email: Option<String>,
    /// Rights.
    pub role: Role,
    /// Since when the person is shut out; `None` means welcome.
    pub suspended_at: Option<Timestamp>,
    /// When the person was added.
    pub created_at: Timestamp,
}
