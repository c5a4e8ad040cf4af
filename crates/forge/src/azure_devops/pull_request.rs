//! Pull requests, and work items, which stand for issues.

use domain::Repository;
use domain::context::Issue;
use serde::Deserialize;

use super::AzureDevops;
use super::repository::Repo;
use crate::rest::unnamed_target;
use crate::{Branch, Credential, ForgeError, MergeRequestFacts};

#[derive(Deserialize)]
struct Pull {
    #[serde(rename = "pullRequestId")]
    id: u64,
    title: String,
    #[serde(rename = "sourceRefName")]
    source: String,
    #[serde(rename = "targetRefName")]
    target: String,
    #[serde(default, rename = "lastMergeSourceCommit")]
    head: Option<Commit>,
    /// Absent where the change comes from the same repository.
    #[serde(default, rename = "forkSource")]
    fork: Option<Fork>,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(rename = "commitId")]
    id: String,
}

#[derive(Deserialize)]
struct Fork {
    #[serde(default)]
    repository: Option<Repo>,
}

/// `GET …/pullRequests/{id}`. Numbers count through the organisation; the repository's own are shown only. The
/// ref that the product keeps is of the merge, not of the change.
pub(super) async fn find(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<MergeRequestFacts>, ForgeError> {
    let call = forge.get(credential, repository, &["pullRequests", &number.to_string()]);
    let Some(pull) = call.find::<Pull>().await? else { return Ok(None) };
    let organisation = repository.owner.split('/').next().unwrap_or_default();
    let source = match pull.fork {
        Some(fork) => fork.repository.map(|repo| repo.into_repository(forge, organisation)).transpose()?,
        None => Some(repository.clone()),
    };
    let short = |name: &str| name.strip_prefix("refs/heads/").unwrap_or(name).parse();
    let source_name = short(&pull.source).ok();
    Ok(Some(MergeRequestFacts {
        number: pull.id,
        title: pull.title,
        source: source.zip(source_name).map(|(repository, name)| Branch { repository, name }),
        head: pull.head.map(|commit| commit.id).filter(|id| !id.is_empty()),
        target: Branch {
            repository: repository.clone(),
            name: short(&pull.target).map_err(|_| unnamed_target())?,
        },
        head_ref: None,
    }))
}

#[derive(Deserialize)]
struct WorkItem {
    id: u64,
    #[serde(default)]
    fields: Fields,
}

#[derive(Deserialize, Default)]
struct Fields {
    #[serde(default, rename = "System.Title")]
    title: String,
}

/// `GET /{organisation}/{project}/_apis/wit/workitems/{id}`. Work items belong to projects, not to repositories.
pub(super) async fn find_work_item(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<Issue>, ForgeError> {
    let call = forge.project(credential, repository, &["_apis/wit/workitems", &number.to_string()]);
    let found: Option<WorkItem> = call.query("fields", "System.Title").find().await?;
    Ok(found.map(|item| Issue { number: item.id, title: item.fields.title }))
}
