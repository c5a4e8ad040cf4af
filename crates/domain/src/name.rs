//! Names people choose: of workspaces and of users.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be a {what}: {why}")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    why: &'static str,
}

/// A DNS label holds 63 bytes (RFC 1035, 2.3.4); twenty-three are left for a port and a separator.
const WORKSPACE_NAME_MAX: usize = 40;
/// The longest user name of GitLab is 255; nothing shorter is safe for names that come from a forge.
const USER_NAME_MAX: usize = 255;

/// The name of a workspace: lower-case letters, digits and inner hyphens, at most 40.
///
/// It becomes a host name of its own, so it must be a DNS label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WorkspaceName(String);

impl WorkspaceName {
    /// Turns any text, for instance a repository's name, into the nearest valid name.
    pub fn nearest(text: &str) -> Self {
        let mut name = String::with_capacity(text.len().min(WORKSPACE_NAME_MAX));
        for letter in text.chars().flat_map(char::to_lowercase) {
            if name.len() >= WORKSPACE_NAME_MAX {
                break;
            }
            if letter.is_ascii_alphanumeric() {
                name.push(letter);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = name.trim_end_matches('-');
        Self(if name.is_empty() { "workspace".into() } else { name.into() })
    }

    /// The same name with a number behind it, still within the length limit.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let suffix = format!("-{number}");
        let room = WORKSPACE_NAME_MAX - suffix.len();
        let stem: String = self.0.chars().take(room).collect();
        Self(format!("{}{suffix}", stem.trim_end_matches('-')))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkspaceName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let refuse = |why| InvalidName { what: "workspace name", text: text.chars().take(64).collect(), why };
        if text.is_empty() || text.len() > WORKSPACE_NAME_MAX {
            return Err(refuse("it must have 1 to 40 characters"));
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(refuse("only lower-case letters, digits and hyphens are allowed"));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(refuse("it must not start or end with a hyphen"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name a person signs in with: any visible text without spaces, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct UserName(String);

impl UserName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let refuse = |why| InvalidName { what: "user name", text: text.chars().take(64).collect(), why };
        if text.is_empty() || text.len() > USER_NAME_MAX {
            return Err(refuse("it must have 1 to 255 bytes"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refuse("spaces and control characters are not allowed"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Gives both name types their text conversions.
macro_rules! text_conversions {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
    )+};
}

text_conversions!(WorkspaceName UserName);
