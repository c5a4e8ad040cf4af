//! Branches, tags, commits and what is in them.

use domain::{RefKind, RefName, Repository};
use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Gitlab, project};
use crate::facts::{full_commit, may_be_commit};
use crate::{Credential, Fault, ForgeError, PathKind, Ref};

#[derive(Deserialize)]
struct Named {
    name: String,
    commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

/// What a name stands for.
pub(super) async fn find(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    name: &str,
    kind: Option<RefKind>,
) -> Result<Option<Ref>, ForgeError> {
    if name.parse::<RefName>().is_err() {
        return Ok(None);
    }
    let kinds: &[RefKind] = match kind {
        None => &[RefKind::Branch, RefKind::Tag],
        Some(RefKind::Branch) => &[RefKind::Branch],
        Some(RefKind::Tag) => &[RefKind::Tag],
        Some(RefKind::Revision) => {
            let sha = commit(gitlab, credential, repository, name).await?;
            return Ok(sha.map(|sha| Ref { kind: RefKind::Revision, name: sha.clone(), sha }));
        }
    };
    for kind in kinds {
        let list = if *kind == RefKind::Branch { "branches" } else { "tags" };
        let parts = ["projects", &project::key(repository), "repository", list, name];
        let found: Option<Named> = not_taken_is_none(gitlab.api.get(credential, &parts).find().await)?;
        // A tag may be of something else than a commit.
        if let Some(Named { name: found, commit: Some(commit) }) = found
            && found == name
        {
            return Ok(Some(Ref { kind: *kind, name: found, sha: commit.id }));
        }
    }
    Ok(None)
}

/// The full id of a commit. The API takes branches there as well, so the answer is compared.
pub(super) async fn commit(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
) -> Result<Option<String>, ForgeError> {
    if !may_be_commit(sha) {
        return Ok(None);
    }
    let parts = ["projects", &project::key(repository), "repository", "commits", sha];
    let found: Option<Commit> =
        not_taken_is_none(gitlab.api.get(credential, &parts).query("stats", "false").find().await)?;
    Ok(found.and_then(|commit| full_commit(&commit.id, sha)))
}

/// File or folder. Files are asked for by `HEAD`, so that none is sent.
pub(super) async fn path_kind(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    reference: &str,
    path: &str,
) -> Result<Option<PathKind>, ForgeError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Some(PathKind::Folder));
    }
    let key = project::key(repository);
    let parts = ["projects", &key, "repository", "files", path];
    let file = gitlab.api.call(Method::HEAD, credential, &parts).query("ref", reference).exists().await;
    if not_taken_is_none(file.map(Some))?.unwrap_or(false) {
        return Ok(Some(PathKind::File));
    }
    let tree = gitlab
        .api
        .get(credential, &["projects", &key, "repository", "tree"])
        .query("ref", reference)
        .query("path", path)
        .query("per_page", "1");
    let entries: Option<Vec<IgnoredAny>> = not_taken_is_none(tree.find().await)?;
    // Older releases answer an empty list for what is not there; Git knows no empty folders.
    Ok(entries.filter(|entries| !entries.is_empty()).map(|_| PathKind::Folder))
}

/// Names that the API does not take at all (400) are of nothing.
fn not_taken_is_none<T>(result: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match result {
        Err(error) if *error.fault() == Fault::Request => Ok(None),
        other => other,
    }
}
