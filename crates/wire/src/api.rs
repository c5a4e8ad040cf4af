//! The public REST API's documents, as they travel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every error looks like: RFC 9457, with a stable `code`, the `mend` and the request's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Address of the documentation of this kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What could not be done, to what.
    pub detail: String,
    /// Stable word for programs.
    pub code: String,
    /// What the reader can do about it.
    pub mend: String,
    /// Finds this request in the server's log.
    pub request_id: String,
}
