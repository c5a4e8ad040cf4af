//! Web hooks of repositories: <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/> has the names of
//! events.

use domain::Repository;
use serde::Deserialize;
use serde_json::json;

use super::{BitbucketCloud, page, parts};
use crate::{Credential, ForgeError, Hook, HookEvent, NewHook};

/// More hooks than a repository may have.
const MOST_PAGES: u32 = 5;

#[derive(Deserialize)]
struct Found {
    uuid: String,
    #[serde(default)]
    url: String,
}

impl From<Found> for Hook {
    fn from(found: Found) -> Self {
        Self { id: found.uuid, url: found.url }
    }
}

/// `GET …/hooks`.
pub(super) async fn list(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
) -> Result<Vec<Hook>, ForgeError> {
    let parts = parts(repository, &["hooks"]);
    let found = page::all::<Found>(MOST_PAGES, || forge.rest.get(credential, &parts)).await?;
    Ok(found.into_iter().map(Hook::from).collect())
}

/// `POST …/hooks`. Deliveries are signed with the secret (HMAC-SHA-256, `X-Hub-Signature`).
pub(super) async fn add(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    hook: &NewHook,
) -> Result<Hook, ForgeError> {
    let mut events: Vec<&str> = hook.events.iter().flat_map(|event| names(*event)).copied().collect();
    events.sort_unstable();
    events.dedup();
    let body = json!({
        "description": "Hearth",
        "url": hook.url.as_str(),
        "active": true,
        "events": events,
        "secret": hook.proof.secret().expose(),
    });
    let found: Found = forge.post(credential, repository, &["hooks"]).json(body).read().await?;
    Ok(found.into())
}

fn names(event: HookEvent) -> &'static [&'static str] {
    match event {
        HookEvent::Push | HookEvent::Tag => &["repo:push"],
        HookEvent::MergeRequest => {
            &["pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled", "pullrequest:rejected"]
        }
        HookEvent::Comment => &["pullrequest:comment_created", "issue:comment_created"],
        HookEvent::Issue => &["issue:created", "issue:updated"],
    }
}
