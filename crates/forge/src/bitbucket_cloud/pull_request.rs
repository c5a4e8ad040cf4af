//! Pull requests.

use domain::Repository;
use serde::Deserialize;

use super::BitbucketCloud;
use super::reference::commit;
use super::repository::{Summary, by_path};
use crate::facts::{full_commit, path_of};
use crate::rest::unnamed_target;
use crate::{Branch, Credential, Fault, ForgeError, MergeRequestFacts};

#[derive(Deserialize)]
struct Pull {
    id: u64,
    title: String,
    source: End,
    destination: End,
}

#[derive(Deserialize)]
struct End {
    branch: Named,
    /// Abbreviated to twelve digits.
    #[serde(default)]
    commit: Option<Commit>,
    /// Null where the fork was deleted.
    #[serde(default)]
    repository: Option<Summary>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Commit {
    hash: String,
}

/// `GET …/pullrequests/{id}`, then the repository it comes from and the full id of its commit. There is no ref
/// that would keep the commit without its branch.
pub(super) async fn find(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<MergeRequestFacts>, ForgeError> {
    let call = forge.get(credential, repository, &["pullrequests", &number.to_string()]);
    let Some(pull) = call.find::<Pull>().await? else { return Ok(None) };
    let source = match pull.source.repository {
        Some(summary) if summary.full_name == path_of(repository) => Some(repository.clone()),
        Some(summary) => by_path(forge, credential, &summary.full_name).await?,
        None => None,
    };
    let mut head = None;
    if let Some(Commit { hash }) = pull.source.commit {
        // The target knows the commits of its pull requests even where the source is gone.
        for place in source.iter().chain([repository]) {
            head = match full_commit(&hash, &hash) {
                Some(full) => Some(full),
                None => absent_is_none(commit(forge, credential, place, &hash).await)?,
            };
            if head.is_some() {
                break;
            }
        }
    }
    let source_name = pull.source.branch.name.parse().ok();
    Ok(Some(MergeRequestFacts {
        number: pull.id,
        title: pull.title,
        source: source.zip(source_name).map(|(repository, name)| Branch { repository, name }),
        head,
        target: Branch {
            repository: repository.clone(),
            name: pull.destination.branch.name.parse().map_err(|_| unnamed_target())?,
        },
        head_ref: None,
    }))
}

fn absent_is_none<T>(result: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match result {
        Err(error) if *error.fault() == Fault::Forbidden => Ok(None),
        other => other,
    }
}
