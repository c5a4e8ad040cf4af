//! What is in a repository.

use domain::Repository;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Hub, not_taken_is_none};
use crate::{Credential, ForgeError, PathKind};

/// A folder is a list, everything else an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Entries(#[expect(dead_code, reason = "only its form tells")] Vec<IgnoredAny>),
    Entry {
        #[serde(rename = "type")]
        kind: String,
    },
}

/// `GET /repos/{owner}/{name}/contents/{path}`.
pub(crate) async fn path_kind(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    reference: &str,
    path: &str,
) -> Result<Option<PathKind>, ForgeError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Some(PathKind::Folder));
    }
    let call = hub.get(credential, repository, &["contents", path]).query("ref", reference);
    Ok(not_taken_is_none(call.find::<Content>().await)?.map(|content| match content {
        Content::Entries(_) => PathKind::Folder,
        // A submodule is a folder once it is checked out.
        Content::Entry { kind } if matches!(kind.as_str(), "dir" | "submodule") => PathKind::Folder,
        Content::Entry { .. } => PathKind::File,
    }))
}
