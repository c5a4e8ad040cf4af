//! Pull requests and issues. They share their numbers.

use domain::Repository;
use domain::context::Issue;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Hub;
use super::repository::Repo;
use crate::{Branch, Credential, Fault, ForgeError, MergeRequestFacts};

#[derive(Deserialize)]
struct Pull {
    number: u64,
    title: String,
    head: End,
    base: End,
}

#[derive(Deserialize)]
struct End {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    sha: Option<String>,
    /// Absent where the fork was deleted.
    #[serde(default)]
    repo: Option<Repo>,
}

/// `GET /repos/{owner}/{name}/pulls/{number}`.
pub(crate) async fn find(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<MergeRequestFacts>, ForgeError> {
    let call = hub.get(credential, repository, &["pulls", &number.to_string()]);
    let Some(pull) = call.find::<Pull>().await? else { return Ok(None) };
    let source = pull.head.repo.map(|repo| repo.into_repository(hub)).transpose()?;
    let target = pull.base.repo.map(|repo| repo.into_repository(hub)).transpose()?;
    let target = target.unwrap_or_else(|| repository.clone());
    let name = pull.base.reference.parse().map_err(|_| {
        ForgeError::new(
            Fault::Protocol,
            "the pull request leads to a branch whose name Git does not take",
            "look at the pull request at the forge",
        )
    })?;
    // Gitea names the pull request's own ref where the branch is gone.
    let source_name = Some(pull.head.reference).filter(|name| !name.starts_with("refs/"));
    Ok(Some(MergeRequestFacts {
        number: pull.number,
        title: pull.title,
        source: source
            .zip(source_name.and_then(|name| name.parse().ok()))
            .map(|(repository, name)| Branch { repository, name }),
        head: pull.head.sha.filter(|sha| !sha.is_empty()),
        target: Branch { repository: target, name },
        head_ref: Some(format!("refs/pull/{number}/head")),
    }))
}

#[derive(Deserialize)]
struct Found {
    number: u64,
    title: String,
    #[serde(default)]
    pull_request: Option<IgnoredAny>,
}

/// `GET /repos/{owner}/{name}/issues/{number}`, which answers for pull requests as well; those are none.
pub(crate) async fn find_issue(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<Issue>, ForgeError> {
    let call = hub.get(credential, repository, &["issues", &number.to_string()]);
    let found = call.find::<Found>().await?.filter(|it| it.pull_request.is_none());
    Ok(found.map(|issue| Issue { number: issue.number, title: issue.title }))
}
