//! Branches, tags and commits.

use domain::{RefKind, RefName, Repository};
use serde::Deserialize;

use crate::facts::{full_commit, may_be_commit};
use crate::hub::{Hub, not_taken_is_none};
use crate::{Credential, ForgeError, Ref};

#[derive(Deserialize)]
struct Found {
    name: String,
    commit: Commit,
}

/// Branches call it `id`, tags and commits `sha`.
#[derive(Deserialize)]
struct Commit {
    #[serde(alias = "id")]
    sha: String,
}

/// What a name stands for: `GET /repos/{owner}/{name}/{branches|tags}/{name}`.
pub(super) async fn find(
    hub: &Hub,
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
            let sha = commit(hub, credential, repository, name).await?;
            return Ok(sha.map(|sha| Ref { kind: RefKind::Revision, name: sha.clone(), sha }));
        }
    };
    for (kind, list) in lists {
        let call = hub.get(credential, repository, &[list, name]);
        let found: Option<Found> = not_taken_is_none(call.find().await)?;
        if let Some(found) = found.filter(|found| found.name == name) {
            return Ok(Some(Ref { kind: *kind, name: found.name, sha: found.commit.sha }));
        }
    }
    Ok(None)
}

/// `GET /repos/{owner}/{name}/git/commits/{sha}`. It takes branches as well, so the answer is compared.
pub(super) async fn commit(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
) -> Result<Option<String>, ForgeError> {
    if !may_be_commit(sha) {
        return Ok(None);
    }
    let call = hub
        .get(credential, repository, &["git/commits", sha])
        .query("stat", "false")
        .query("verification", "false")
        .query("files", "false");
    let found: Option<Commit> = not_taken_is_none(call.find().await)?;
    Ok(found.and_then(|commit| full_commit(&commit.sha, sha)))
}
