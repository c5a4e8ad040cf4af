//! Web hooks of projects.

use domain::Repository;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Gitlab, project};
use crate::{Credential, ForgeError, Hook, HookEvent, HookProof, NewHook};

/// More hooks than a project may have.
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

/// `GET /projects/:id/hooks`, which needs `api` and the right to maintain the project.
pub(super) async fn list(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
) -> Result<Vec<Hook>, ForgeError> {
    let key = project::key(repository);
    let mut hooks = Vec::new();
    let mut page = 1;
    loop {
        let call = gitlab.api.get(credential, &["projects", &key, "hooks"]).query("per_page", "100");
        let answer = call.query("page", &page.to_string()).done().await?;
        hooks.extend(answer.json::<Vec<Found>>()?.into_iter().map(Hook::from));
        match answer.next_page(page) {
            Some(next) if next <= MOST_PAGES => page = next,
            _ => return Ok(hooks),
        }
    }
}

/// `POST /projects/:id/hooks`.
pub(super) async fn add(
    gitlab: &Gitlab,
    credential: &Credential,
    repository: &Repository,
    hook: &NewHook,
) -> Result<Hook, ForgeError> {
    let mut body = Map::new();
    body.insert("url".into(), hook.url.as_str().into());
    let (field, secret) = match &hook.proof {
        HookProof::Shared(secret) => ("token", secret),
        HookProof::Signing(secret) => ("signing_token", secret),
    };
    body.insert(field.into(), secret.expose().as_str().into());
    body.insert("enable_ssl_verification".into(), true.into());
    // `push_events` is on unless it is said to be off.
    for (event, field) in [
        (HookEvent::Push, "push_events"),
        (HookEvent::Tag, "tag_push_events"),
        (HookEvent::MergeRequest, "merge_requests_events"),
        (HookEvent::Comment, "note_events"),
        (HookEvent::Issue, "issues_events"),
    ] {
        body.insert(field.into(), hook.events.contains(&event).into());
    }
    let parts = ["projects", &project::key(repository), "hooks"];
    let found: Found = gitlab.api.post(credential, &parts).json(Value::Object(body)).read().await?;
    Ok(found.into())
}
