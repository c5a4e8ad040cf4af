//! Whose data key a secret is sealed with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{TeamId, UserId};

/// Whom a sealed value belongs to. Each has data keys of its own: without them, what was theirs is unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum KeyOwner {
    /// The installation itself.
    Platform,
    /// A team.
    Team(TeamId),
    /// A person.
    User(UserId),
}

/// The text names nobody who could have a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names neither the platform nor a team nor a user")]
pub struct InvalidKeyOwner(String);

impl fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Team(id) => id.fmt(f),
            Self::User(id) => id.fmt(f),
        }
    }
}

impl FromStr for KeyOwner {
    type Err = InvalidKeyOwner;

    fn from_str(text: &str) -> Result<Self, InvalidKeyOwner> {
        if text == "platform" {
            return Ok(Self::Platform);
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::Team(id));
        }
        let user = text.parse().map(Self::User);
        user.map_err(|_| InvalidKeyOwner(text.chars().take(64).collect()))
    }
}

impl From<KeyOwner> for String {
    fn from(owner: KeyOwner) -> Self {
        owner.to_string()
    }
}

impl TryFrom<String> for KeyOwner {
    type Error = InvalidKeyOwner;

    fn try_from(text: String) -> Result<Self, InvalidKeyOwner> {
        text.parse()
    }
}
