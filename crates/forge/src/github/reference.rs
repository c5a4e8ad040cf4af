//! Branches, tags and commits.

use domain::{RefKind, RefName, Repository};
use serde::Deserialize;

use crate::facts::{full_commit, may_be_commit};
use crate::hub::{Hub, not_taken_is_none};
use crate::{Credential, ForgeError, Ref};

/// Tags of tags of tags: nobody nests deeper.
const MOST_TAGS: usize = 5;

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "ref")]
    reference: String,
    object: Object,
}

#[derive(Deserialize)]
struct Tag {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}

/// What a name stands for: `GET /repos/{owner}/{name}/git/ref/{heads|tags}/{name}`.
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
        None => &[(RefKind::Branch, "heads"), (RefKind::Tag, "tags")],
        Some(RefKind::Branch) => &[(RefKind::Branch, "heads")],
        Some(RefKind::Tag) => &[(RefKind::Tag, "tags")],
        Some(RefKind::Revision) => {
            let sha = commit(hub, credential, repository, name).await?;
            return Ok(sha.map(|sha| Ref { kind: RefKind::Revision, name: sha.clone(), sha }));
        }
    };
    for (kind, list) in lists {
        let call = hub.get(credential, repository, &["git/ref", list, name]);
        let Some(found) = not_taken_is_none(call.find::<Found>().await)? else { continue };
        if found.reference == format!("refs/{list}/{name}")
            && let Some(sha) = peel(hub, credential, repository, found.object).await?
        {
            return Ok(Some(Ref { kind: *kind, name: name.to_owned(), sha }));
        }
    }
    Ok(None)
}

/// Follows tags that are objects of their own to the commit.
async fn peel(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    mut object: Object,
) -> Result<Option<String>, ForgeError> {
    for _ in 0..MOST_TAGS {
        match object.kind.as_str() {
            "commit" => return Ok(Some(object.sha)),
            "tag" => {
                let call = hub.get(credential, repository, &["git/tags", &object.sha]);
                let Some(tag) = call.find::<Tag>().await? else { return Ok(None) };
                object = tag.object;
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

/// `GET /repos/{owner}/{name}/commits/{sha}`, with as little of its files as can be asked for. It takes
/// branches as well, so the answer is compared.
pub(super) async fn commit(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
) -> Result<Option<String>, ForgeError> {
    if !may_be_commit(sha) {
        return Ok(None);
    }
    let call = hub.get(credential, repository, &["commits", sha]).query("per_page", "1");
    let found: Option<Commit> = not_taken_is_none(call.find().await)?;
    Ok(found.and_then(|commit| full_commit(&commit.sha, sha)))
}
