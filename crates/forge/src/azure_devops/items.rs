//! What is in a repository.

use domain::{RefName, Repository};
use serde::Deserialize;

use super::AzureDevops;
use crate::rest::not_taken_is_none;
use crate::{Credential, ForgeError, PathKind};

#[derive(Deserialize)]
struct Item {
    #[serde(default, rename = "gitObjectType")]
    kind: Option<String>,
    #[serde(default, rename = "isFolder")]
    is_folder: bool,
}

/// `GET …/items`, which has to be told whether a name is a branch's or a tag's.
pub(super) async fn path_kind(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    reference: &str,
    path: &str,
) -> Result<Option<PathKind>, ForgeError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Some(PathKind::Folder));
    }
    let is_commit = reference.parse::<RefName>().is_ok_and(|name| name.is_commit_id());
    let kinds: &[&str] = if is_commit { &["commit"] } else { &["branch", "tag"] };
    for kind in kinds {
        let call = forge
            .get(credential, repository, &["items"])
            .query("path", &format!("/{path}"))
            .query("versionDescriptor.versionType", kind)
            .query("versionDescriptor.version", reference);
        if let Some(item) = not_taken_is_none(call.find::<Item>().await)? {
            // A submodule is a folder once it is checked out.
            let is_file = !item.is_folder && item.kind.as_deref().is_none_or(|kind| kind == "blob");
            return Ok(Some(if is_file { PathKind::File } else { PathKind::Folder }));
        }
    }
    Ok(None)
}
