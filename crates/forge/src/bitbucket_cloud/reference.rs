//! Branches, tags, commits and what is in them.

use domain::{RefKind, RefName, Repository};
use serde::Deserialize;

use super::BitbucketCloud;
use crate::facts::{full_commit, may_be_commit};
use crate::rest::not_taken_is_none;
use crate::{Credential, ForgeError, PathKind, Ref};

#[derive(Deserialize)]
struct Named {
    name: String,
    target: Commit,
}

#[derive(Deserialize)]
struct Commit {
    hash: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    attributes: Vec<String>,
}

/// What a name stands for: `GET …/refs/{branches|tags}/{name}`.
pub(super) async fn find(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    name: &str,
    kind: Option<RefKind>,
) -> Result<Option<Ref>, ForgeError> {
    if name.parse::<RefName>().is_err() {
        return Ok(None);
    }
    let lists: &[(RefKind, &str)] = match kind {
        None => &[(RefKind::Branch, "branches"), (RefKind::Tag, "tags")],
        Some(RefKind::Branch) => &[(RefKind::Branch, "branches")],
        Some(RefKind::Tag) => &[(RefKind::Tag, "tags")],
        Some(RefKind::Revision) => {
            let sha = commit(forge, credential, repository, name).await?;
            return Ok(sha.map(|sha| Ref { kind: RefKind::Revision, name: sha.clone(), sha }));
        }
    };
    for (kind, list) in lists {
        let call = forge.get(credential, repository, &["refs", list, name]);
        let found: Option<Named> = not_taken_is_none(call.find().await)?;
        if let Some(found) = found.filter(|found| found.name == name) {
            return Ok(Some(Ref { kind: *kind, name: found.name, sha: found.target.hash }));
        }
    }
    Ok(None)
}

/// `GET …/commit/{id}`. It takes names as well, so the answer is compared.
pub(super) async fn commit(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
) -> Result<Option<String>, ForgeError> {
    if !may_be_commit(sha) {
        return Ok(None);
    }
    let call = forge.get(credential, repository, &["commit", sha]);
    let found: Option<Commit> = not_taken_is_none(call.find().await)?;
    Ok(found.and_then(|commit| full_commit(&commit.hash, sha)))
}

/// `GET …/src/{commit}/{path}?format=meta`. A name with a slash has no place in that address, its commit has.
pub(super) async fn path_kind(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    reference: &str,
    path: &str,
) -> Result<Option<PathKind>, ForgeError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Some(PathKind::Folder));
    }
    let at = if reference.contains('/') {
        let Some(found) = find(forge, credential, repository, reference, None).await? else {
            return Ok(None);
        };
        found.sha
    } else {
        reference.to_owned()
    };
    let call = forge.get(credential, repository, &["src", &at, path]).query("format", "meta");
    Ok(not_taken_is_none(call.find::<Entry>().await)?.map(|entry| {
        // A submodule is a folder once it is checked out.
        let is_file = entry.kind == "commit_file" && !entry.attributes.iter().any(|it| it == "subrepository");
        if is_file { PathKind::File } else { PathKind::Folder }
    }))
}
