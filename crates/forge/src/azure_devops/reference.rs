//! Branches, tags and commits.

use domain::{RefKind, RefName, Repository};
use serde::Deserialize;

use super::AzureDevops;
use super::repository::List;
use crate::facts::{full_commit, may_be_commit};
use crate::rest::not_taken_is_none;
use crate::{Credential, ForgeError, Ref};

#[derive(Deserialize)]
struct Found {
    name: String,
    #[serde(rename = "objectId")]
    object: String,
    /// The commit of a tag that is an object of its own.
    #[serde(default, rename = "peeledObjectId")]
    peeled: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(rename = "commitId")]
    id: String,
}

/// What a name stands for: `GET …/refs?filter=`, which lists what begins with it, itself first.
pub(super) async fn find(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    name: &str,
    kind: Option<RefKind>,
) -> Result<Option<Ref>, ForgeError> {
    if name.parse::<RefName>().is_err() {
        return Ok(None);
    }
    let lists: &[(RefKind, &str)] = match kind {
        None => &[(RefKind::Branch, "heads"), (RefKind::Tag, "tags")],
        Some(RefKind::Branch) => &[(RefKind::Branch, "heads")],
        Some(RefKind::Tag) => &[(RefKind::Tag, "tags")],
        Some(RefKind::Revision) => {
            let sha = commit(forge, credential, repository, name).await?;
            return Ok(sha.map(|sha| Ref { kind: RefKind::Revision, name: sha.clone(), sha }));
        }
    };
    for (kind, list) in lists {
        let call = forge.get(credential, repository, &["refs"]);
        let call = call.query("filter", &format!("{list}/{name}")).query("peelTags", "true");
        let listed: Option<List<Found>> = not_taken_is_none(call.find().await)?;
        let full = format!("refs/{list}/{name}");
        let found = listed.and_then(|list| list.value.into_iter().find(|found| found.name == full));
        if let Some(found) = found {
            let sha = found.peeled.filter(|sha| !sha.is_empty()).unwrap_or(found.object);
            return Ok(Some(Ref { kind: *kind, name: name.to_owned(), sha }));
        }
    }
    Ok(None)
}

/// `GET …/commits/{id}`, which knows no abbreviations: there is no way to ask for one.
pub(super) async fn commit(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
) -> Result<Option<String>, ForgeError> {
    if !may_be_commit(sha) || full_commit(sha, sha).is_none() {
        return Ok(None);
    }
    let sha = sha.to_ascii_lowercase();
    let call = forge.get(credential, repository, &["commits", &sha]).query("changeCount", "0");
    let found: Option<Commit> = not_taken_is_none(call.find().await)?;
    Ok(found.and_then(|commit| full_commit(&commit.id, &sha)))
}
