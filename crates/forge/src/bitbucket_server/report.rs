//! Lines beside commits, and comments.

use domain::Repository;
use serde_json::json;

use super::BitbucketServer;
use crate::{CommitState, CommitStatus, Credential, ForgeError, Subject};

/// <https://developer.atlassian.com/server/bitbucket/how-tos/updating-build-status-for-commits/>
const LONGEST: usize = 255;

/// `POST /rest/build-status/1.0/commits/{id}`, which every version has. It demands an address to lead to.
pub(super) async fn status(
    forge: &BitbucketServer,
    credential: &Credential,
    sha: &str,
    status: &CommitStatus,
) -> Result<(), ForgeError> {
    let state = match status.state {
        CommitState::Pending | CommitState::Running => "INPROGRESS",
        CommitState::Success => "SUCCESSFUL",
        CommitState::Failure | CommitState::Error => "FAILED",
    };
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let body = json!({
        "state": state,
        "key": short(&status.name),
        "name": short(&status.name),
        "url": status.target_url.as_ref().unwrap_or(&forge.site.web).as_str(),
        "description": short(&status.description),
    });
    let call = forge.rest.post(credential, &["build-status", "1.0", "commits", sha]);
    call.json(body).done().await.map(drop)
}

/// `POST …/pull-requests/{id}/comments`.
pub(super) async fn comment(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
    subject: Subject,
    text: &str,
) -> Result<(), ForgeError> {
    let Subject::MergeRequest(number) = subject else {
        return Err(forge.lacks("issues, so none can be commented on"));
    };
    let rest = ["pull-requests", &number.to_string(), "comments"];
    forge.post(credential, repository, &rest).json(json!({"text": text})).done().await.map(drop)
}
