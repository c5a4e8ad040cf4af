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

impl User {
    /// Author name for commits.
    pub fn commit_name(&self) -> String {
        self.display_name.clone().unwrap_or_else(|| self.name.to_string())
    }

    /// Author address for commits: the person's own, else one that is nobody's, so that a commit can
    /// always be made and never reaches a stranger (RFC 2606 keeps `.invalid` free).
    pub fn commit_email(&self) -> String {
        self.email.clone().unwrap_or_else(|| {
            let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
            let name: String = self.name.as_str().chars().map(plain).collect();
            format!("{name}@users.noreply.invalid")
        })
    }
}

/// How Git behaves in a person's workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitPreferences {
    /// Author name for commits; the account's where absent.
    pub author_name: Option<String>,
    /// Author address for commits; the account's where absent.
    pub author_email: Option<String>,
    /// Whether commits are signed with the person's SSH key.
    pub sign_commits: bool,
    /// A repository with dotfiles, cloned into every new workspace.
    pub dotfiles: Option<String>,
}
