//! Web hooks of repositories:
//! <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html> has the names of events.

use domain::Repository;
use serde::Deserialize;
use serde_json::json;

use super::{BitbucketServer, page, parts};
use crate::{Credential, ForgeError, Hook, HookEvent, NewHook};

/// More hooks than a repository may have.
const MOST_PAGES: u32 = 5;

#[derive(Deserialize)]
struct Found {
    id: u64,
    #[serde(default)]
    url: String,
}

impl From<Found> for Hook {
    fn from(found: Found) -> Self {
        Self { id: found.id.to_string(), url: found.url }
    }
}

/// `GET …/webhooks`, for administrators of the repository.
pub(super) async fn list(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
) -> Result<Vec<Hook>, ForgeError> {
    let parts = parts(repository, &["webhooks"]);
    let found = page::all::<Found>(MOST_PAGES, || forge.rest.get(credential, &parts)).await?;
    Ok(found.into_iter().map(Hook::from).collect())
}

/// `POST …/webhooks`. Deliveries are signed with the secret (HMAC-SHA-256, `X-Hub-Signature`).
pub(super) async fn add(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
    hook: &NewHook,
) -> Result<Hook, ForgeError> {
    let mut events: Vec<&str> = hook.events.iter().flat_map(|event| names(*event)).copied().collect();
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(forge.lacks("web hooks for what it does not have: issues"));
    }
    let body = json!({
        "name": "Hearth",
        "url": hook.url.as_str(),
        "events": events,
        "active": true,
        "configuration": {"secret": hook.proof.secret().expose()},
    });
    let found: Found = forge.post(credential, repository, &["webhooks"]).json(body).read().await?;
    Ok(found.into())
}

fn names(event: HookEvent) -> &'static [&'static str] {
    match event {
        HookEvent::Push | HookEvent::Tag => &["repo:refs_changed"],
        HookEvent::MergeRequest => {
            &["pr:opened", "pr:from_ref_updated", "pr:modified", "pr:merged", "pr:declined", "pr:deleted"]
        }
        HookEvent::Comment => &["pr:comment:added", "pr:comment:edited", "pr:comment:deleted"],
        HookEvent::Issue => &[],
    }
}
