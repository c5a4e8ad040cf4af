//! Lines beside commits, and comments.

use domain::Repository;
use serde_json::json;

use super::{AzureDevops, below_project};
use crate::{CommitState, CommitStatus, Credential, ForgeError, Subject};

/// Whose lines they are, beside their names.
const GENRE: &str = "hearth";
/// Comments on work items are still being tried out by their makers.
const COMMENTS: &str = "6.0-preview.3";

/// `POST …/commits/{id}/statuses`.
pub(super) async fn status(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
    status: &CommitStatus,
) -> Result<(), ForgeError> {
    let state = match status.state {
        CommitState::Pending | CommitState::Running => "pending",
        CommitState::Success => "succeeded",
        CommitState::Failure => "failed",
        CommitState::Error => "error",
    };
    let body = json!({
        "state": state,
        "description": status.description,
        "context": {"name": status.name, "genre": GENRE},
        "targetUrl": status.target_url.as_ref().map(url::Url::as_str),
    });
    forge.post(credential, repository, &["commits", sha, "statuses"]).json(body).done().await.map(drop)
}

/// `POST …/pullRequests/{id}/threads`, or `POST /{project}/_apis/wit/workItems/{id}/comments`.
pub(super) async fn comment(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    subject: Subject,
    text: &str,
) -> Result<(), ForgeError> {
    let call = match subject {
        Subject::MergeRequest(number) => {
            let comment = json!({"parentCommentId": 0, "content": text, "commentType": "text"});
            let rest = ["pullRequests", &number.to_string(), "threads"];
            let body = json!({"comments": [comment], "status": "active"});
            forge.post(credential, repository, &rest).json(body)
        }
        Subject::Issue(number) => {
            let number = number.to_string();
            let parts = below_project(repository, &["_apis/wit/workItems", &number, "comments"]);
            let call = forge.root.post(credential, &parts).query("api-version", COMMENTS);
            call.json(json!({"text": text}))
        }
    };
    call.done().await.map(drop)
}
