//! Merge requests and issues.

use domain::Repository;
use domain::context::Issue;
use serde::Deserialize;

use super::{Gitlab, project};
use crate::{Branch, Credential, Fault, ForgeError, MergeRequestFacts};

#[derive(Deserialize)]
struct Found {
    iid: u64,
    title: String,
    source_branch: String,
    target_branch: String,
    #[serde(default)]
    source_project_id: Option<u64>,
    #[serde(default)]
    target_project_id: Option<u64>,
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    diff_refs: Option<DiffRefs>,
}

#[derive(Deserialize)]
struct DiffRefs {
    #[serde(default)]
    head_sha: Option<String>,
}

/// `GET /projects/:id/merge_requests/:iid`, and the project it comes from.
pub(super) async fn find(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<MergeRequestFacts>, ForgeError> {
    let parts = ["projects", &project::key(repository), "merge_requests", &number.to_string()];
    let Some(found) = gitlab.api.get(credential, &parts).find::<Found>().await? else { return Ok(None) };
    let target = if found.target_project_id.is_none_or(|id| id.to_string() == repository.id) {
        Some(repository.clone())
    } else {
        let id = found.target_project_id.unwrap_or_default();
        project::by_id(gitlab, credential, id).await?
    };
    let target = target.unwrap_or_else(|| repository.clone());
    let source = match found.source_project_id {
        Some(id) if id.to_string() == target.id => Some(target.clone()),
        Some(id) => project::by_id(gitlab, credential, id).await?,
        None => None,
    };
    let source_branch = found.source_branch.parse().ok();
    let name = found.target_branch.parse().map_err(|_| unnamed())?;
    Ok(Some(MergeRequestFacts {
        number: found.iid,
        title: found.title,
        source: source.zip(source_branch).map(|(repository, name)| Branch { repository, name }),
        head: found.diff_refs.and_then(|refs| refs.head_sha).or(found.sha),
        target: Branch { repository: target, name },
        head_ref: Some(format!("refs/merge-requests/{number}/head")),
    }))
}

fn unnamed() -> ForgeError {
    ForgeError::new(
        Fault::Protocol,
        "the merge request leads to a branch whose name Git does not take",
        "look at the merge request at the forge",
    )
}

#[derive(Deserialize)]
struct FoundIssue {
    iid: u64,
    title: String,
}

/// `GET /projects/:id/issues/:iid`.
pub(super) async fn find_issue(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<Issue>, ForgeError> {
    let parts = ["projects", &project::key(repository), "issues", &number.to_string()];
    let found: Option<FoundIssue> = gitlab.api.get(credential, &parts).find().await?;
    Ok(found.map(|issue| Issue { number: issue.iid, title: issue.title }))
}
