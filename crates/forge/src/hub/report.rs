//! Lines beside commits, and comments.

use domain::Repository;
use serde_json::json;

use super::Hub;
use crate::{CommitState, CommitStatus, Credential, ForgeError, Subject};

/// GitHub takes no longer description.
const LONGEST_DESCRIPTION: usize = 140;

/// `POST /repos/{owner}/{name}/statuses/{sha}`.
pub(crate) async fn status(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
    status: &CommitStatus,
) -> Result<(), ForgeError> {
    let state = match status.state {
        CommitState::Pending | CommitState::Running => "pending",
        CommitState::Success => "success",
        CommitState::Failure => "failure",
        CommitState::Error => "error",
    };
    let body = json!({
        "state": state,
        "context": status.name,
        "description": status.description.chars().take(LONGEST_DESCRIPTION).collect::<String>(),
        "target_url": status.target_url.as_ref().map(url::Url::as_str),
    });
    hub.post(credential, repository, &["statuses", sha]).json(body).done().await.map(drop)
}

/// `POST /repos/{owner}/{name}/issues/{number}/comments`, for pull requests as well.
pub(crate) async fn comment(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    subject: Subject,
    text: &str,
) -> Result<(), ForgeError> {
    let (Subject::MergeRequest(number) | Subject::Issue(number)) = subject;
    let rest = ["issues", &number.to_string(), "comments"];
    hub.post(credential, repository, &rest).json(json!({"body": text})).done().await.map(drop)
}
