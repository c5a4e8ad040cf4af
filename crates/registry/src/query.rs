//! What somebody looks for: any of a kite's seven fields.
//!
//! A kite matches when all given fields are equal; fields in between may be left out. Only `version` may be a
//! constraint, and it is applied however many kites are left.

use kite::Kite;
use serde_json::Value;

use crate::version::{Constraint, InvalidConstraint};

/// Longest value in a query, in bytes: nothing longer is in a kite.
const MAX_VALUE: usize = 512;

/// A query with at least one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Whose kite, as in [`crate::field_of`].
    pub username: Option<String>,
    /// Environment.
    pub environment: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Version, or a constraint on it.
    pub version: Option<VersionQuery>,
    /// Region.
    pub region: Option<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Id.
    pub id: Option<String>,
}

/// What a query says about versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionQuery {
    /// This text.
    Exactly(String),
    /// Whatever satisfies it.
    Within(Constraint),
}

/// Why something is no query. The first two sentences begin as the original's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// There is none, or it is not an object.
    #[error("query is missing: give an object with at least one of {FIELDS}")]
    Missing,
    /// No field has a value.
    #[error("all query fields are empty: give at least one of {FIELDS}")]
    Empty,
    /// A field is not a text.
    #[error("the query's field `{0}` is not a text")]
    NotText(&'static str),
    /// A field is longer than any kite's.
    #[error("the query's field `{0}` is longer than {MAX_VALUE} bytes")]
    TooLong(&'static str),
    /// The version looks like a constraint and is none.
    #[error("the query's field `version` cannot be used")]
    Version(#[source] InvalidConstraint),
}

const FIELDS: &str = "username, environment, name, version, region, hostname, id";

impl InvalidQuery {
    /// The whole sentence for whoever asked.
    pub fn sentence(&self) -> String {
        match self {
            Self::Version(source) => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }
}

impl Query {
    /// Reads `{"username": …, …}`. Missing, null and empty fields are no condition; others are not looked at.
    ///
    /// # Errors
    ///
    /// Says which field cannot be used, or that there is none.
    pub fn parse(value: &Value) -> Result<Self, InvalidQuery> {
        let fields = value.as_object().ok_or(InvalidQuery::Missing)?;
        let text = |name: &'static str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.len() > MAX_VALUE => Err(InvalidQuery::TooLong(name)),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(InvalidQuery::NotText(name)),
        };
        let query = Self {
            username: text("username")?,
            environment: text("environment")?,
            name: text("name")?,
            version: text("version")?.map(VersionQuery::parse).transpose()?,
            region: text("region")?,
            hostname: text("hostname")?,
            id: text("id")?,
        };
        if query == Self::default() { Err(InvalidQuery::Empty) } else { Ok(query) }
    }

    /// Whether the kite is what is looked for.
    pub fn matches(&self, kite: &Kite) -> bool {
        let same = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|text| text == value);
        same(&self.id, &kite.id)
            && same(&self.username, &kite.username)
            && same(&self.name, &kite.name)
            && same(&self.environment, &kite.environment)
            && same(&self.hostname, &kite.hostname)
            && same(&self.region, &kite.region)
            && self.version.as_ref().is_none_or(|version| version.matches(&kite.version))
    }
}

impl VersionQuery {
    fn parse(text: String) -> Result<Self, InvalidQuery> {
        if Constraint::is_meant_by(&text) {
            text.parse().map(Self::Within).map_err(InvalidQuery::Version)
        } else {
            Ok(Self::Exactly(text))
        }
    }

    fn matches(&self, version: &str) -> bool {
        match self {
            Self::Exactly(text) => text == version,
            Self::Within(constraint) => constraint.matches(version),
        }
    }
}

#[cfg(test)]
mod tests;
