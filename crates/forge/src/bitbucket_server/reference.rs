//! Branches, tags, commits and what is in them.

use domain::{RefKind, RefName, Repository};
use serde::Deserialize;

use super::refusal::hidden_is_none;
use super::{BitbucketServer, page, parts};
use crate::facts::{full_commit, may_be_commit};
use crate::rest::not_taken_is_none;
use crate::{Credential, ForgeError, PathKind, Ref};

/// Pages of branches whose names contain the one that is looked for. Newer servers put exact names first.
const MOST_PAGES: u32 = 10;

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "displayId")]
    name: String,
    /// Of a tag that is an object of its own the commit, too.
    #[serde(rename = "latestCommit")]
    commit: String,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// What a name stands for. Branches can only be searched, tags be asked for by name.
pub(super) async fn find(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
    name: &str,
    kind: Option<RefKind>,
) -> Result<Option<Ref>, ForgeError> {
    if name.parse::<RefName>().is_err() {
        return Ok(None);
    }
    if kind == Some(RefKind::Revision) {
        let sha = commit(forge, credential, repository, name).await?;
        return Ok(sha.map(|sha| Ref { kind: RefKind::Revision, name: sha.clone(), sha }));
    }
    if kind != Some(RefKind::Tag) {
        let listed = page::all::<Found>(MOST_PAGES, || {
            let call = forge.get(credential, repository, &["branches"]);
            call.query("filterText", name).query("boostMatches", "true")
        });
        let listed = absent_is_none(listed.await.map(Some))?.unwrap_or_default();
        if let Some(found) = listed.into_iter().find(|found| found.name == name) {
            return Ok(Some(Ref { kind: RefKind::Branch, name: found.name, sha: found.commit }));
        }
    }
    if kind != Some(RefKind::Branch) {
        let call = forge.get(credential, repository, &["tags", name]);
        let found = absent_is_none(call.find::<Found>().await)?.filter(|found| found.name == name);
        return Ok(found.map(|found| Ref { kind: RefKind::Tag, name: found.name, sha: found.commit }));
    }
    Ok(None)
}

/// `GET …/commits/{id}`. Older servers take names there as well, so the answer is compared.
pub(super) async fn commit(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
) -> Result<Option<String>, ForgeError> {
    if !may_be_commit(sha) {
        return Ok(None);
    }
    let call = forge.get(credential, repository, &["commits", sha]);
    let found = absent_is_none(call.find::<Commit>().await)?;
    Ok(found.and_then(|commit| full_commit(&commit.id, sha)))
}

/// `GET …/browse/{path}?type=true`, which tells nothing but that.
pub(super) async fn path_kind(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
    reference: &str,
    path: &str,
) -> Result<Option<PathKind>, ForgeError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Some(PathKind::Folder));
    }
    let call = forge.rest.get(credential, &parts(repository, &["browse", path]));
    let found = call.query("at", reference).query("type", "true").find::<Kind>().await;
    Ok(absent_is_none(found)?.map(|found| match found.kind.as_str() {
        "FILE" => PathKind::File,
        // A submodule is a folder once it is checked out.
        _ => PathKind::Folder,
    }))
}

/// What may not be seen, and what the API does not take, is of nothing.
fn absent_is_none<T>(result: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match hidden_is_none(not_taken_is_none(result)) {
        Err(error) if *error.fault() == crate::Fault::NotFound => Ok(None),
        other => other,
    }
}
