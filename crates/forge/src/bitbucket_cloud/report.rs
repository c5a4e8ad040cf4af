//! Lines beside commits, and comments.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Repository;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::BitbucketCloud;
use crate::{CommitState, CommitStatus, Credential, ForgeError, Subject};

/// Longer keys are refused, which the documentation does not say.
const LONGEST_KEY: usize = 40;
/// Longer texts are refused.
const LONGEST: usize = 255;

/// `POST …/commit/{id}/statuses/build`. It demands an address to lead to.
pub(super) async fn status(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    sha: &str,
    status: &CommitStatus,
) -> Result<(), ForgeError> {
    let state = match status.state {
        CommitState::Pending | CommitState::Running => "INPROGRESS",
        CommitState::Success => "SUCCESSFUL",
        CommitState::Failure => "FAILED",
        CommitState::Error => "STOPPED",
    };
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let body = json!({
        "state": state,
        "key": key(&status.name),
        "name": short(&status.name),
        "url": status.target_url.as_ref().unwrap_or(&forge.site.web).as_str(),
        "description": short(&status.description),
    });
    let rest = ["commit", sha, "statuses", "build"];
    forge.post(credential, repository, &rest).json(body).done().await.map(drop)
}

/// The name if it is short enough, else a digest of it: the same name again replaces the line.
fn key(name: &str) -> String {
    if name.len() <= LONGEST_KEY {
        return name.to_owned();
    }
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(name.as_bytes()));
    digest.chars().take(LONGEST_KEY).collect()
}

/// `POST …/{pullrequests|issues}/{id}/comments`.
pub(super) async fn comment(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    subject: Subject,
    text: &str,
) -> Result<(), ForgeError> {
    let (list, number) = match subject {
        Subject::MergeRequest(number) => ("pullrequests", number),
        Subject::Issue(number) => ("issues", number),
    };
    let rest = [list, &number.to_string(), "comments"];
    forge.post(credential, repository, &rest).json(json!({"content": {"raw": text}})).done().await.map(drop)
}
