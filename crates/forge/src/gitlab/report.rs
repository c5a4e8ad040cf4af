//! Lines beside commits, and comments.

use domain::Repository;
use serde_json::json;

use super::{Gitlab, project};
use crate::{CommitState, CommitStatus, Credential, ForgeError, Subject};

/// `POST /projects/:id/statuses/:sha`, which needs `api`.
pub(super) async fn status(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
    status: &CommitStatus,
) -> Result<(), ForgeError> {
    let state = match status.state {
        CommitState::Pending => "pending",
        CommitState::Running => "running",
        CommitState::Success => "success",
        CommitState::Failure => "failed",
        CommitState::Error => "canceled",
    };
    let body = json!({
        "state": state,
        "name": status.name,
        "description": status.description,
        "target_url": status.target_url.as_ref().map(url::Url::as_str),
    });
    let parts = ["projects", &project::key(repository), "statuses", sha];
    gitlab.api.post(credential, &parts).json(body).done().await.map(drop)
}

/// `POST /projects/:id/…/:iid/notes`.
pub(super) async fn comment(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    subject: Subject,
    text: &str,
) -> Result<(), ForgeError> {
    let (list, number) = match subject {
        Subject::MergeRequest(number) => ("merge_requests", number),
        Subject::Issue(number) => ("issues", number),
    };
    let parts = ["projects", &project::key(repository), list, &number.to_string(), "notes"];
    gitlab.api.post(credential, &parts).json(json!({"body": text})).done().await.map(drop)
}
