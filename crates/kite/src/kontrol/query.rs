//! Asking for kites, and what is found.

use serde::{Deserialize, Deserializer, Serialize};

use crate::Kite;
use crate::token::TokenText;

/// Which kites are asked for: all that agree with every field that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Whose.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Where it runs, as its owner calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// What it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version, or a constraint like `>= 1.0, < 2.0`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it runs, roughly.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// On which machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Which one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
}

impl Query {
    /// Asks for this one kite.
    pub fn exactly(kite: &Kite) -> Self {
        Self {
            username: kite.username.clone(),
            environment: kite.environment.clone(),
            name: kite.name.clone(),
            version: kite.version.clone(),
            region: kite.region.clone(),
            hostname: kite.hostname.clone(),
            id: kite.id.clone(),
        }
    }

    /// Asks for kites of this name, of this person.
    pub fn named(username: impl Into<String>, name: impl Into<String>) -> Self {
        Self { username: username.into(), name: name.into(), ..Self::default() }
    }
}

/// A kite that was found, and the way to it.
#[derive(Clone, Deserialize)]
pub struct Found {
    /// Who it is.
    pub kite: Kite,
    /// Where it is dialled.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub url: String,
    /// The registry's key that signed its token.
    #[serde(default, rename = "keyId", deserialize_with = "null_is_empty")]
    pub key_id: String,
    /// A token that is good there, if the registry gave one.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub token: Option<TokenText>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("kite", &self.kite).field("url", &self.url).finish_non_exhaustive()
    }
}

/// Registries may say with an empty text that there is none.
fn empty_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TokenText>, D::Error> {
    let token = Option::<TokenText>::deserialize(deserializer)?;
    Ok(token.filter(|token| !token.expose().is_empty()))
}

/// A kite that is gone has no URL, and registries may say so with `null`.
fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
