//! What every error looks like.

use domain::ForgeId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Content type of [`Problem`].
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// What every error looks like: RFC 9457, with a stable `code`, the `mend` and the request's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem for ever: `urn:hearth:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What could not be done, to what.
    pub detail: String,
    /// Stable word for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// What the reader can do about it.
    pub mend: String,
    /// Finds this request in the server's log.
    pub request_id: String,
    /// The field of the request that is to blame, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The forge whose account is needed, with `link_needed` and `scope_missing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub forge: Option<ForgeId>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge_name: Option<String>,
    /// What has to be granted there in addition, with `scope_missing`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}
