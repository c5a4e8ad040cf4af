//! Web hooks of repositories.

use domain::Repository;
use serde::Deserialize;
use serde_json::json;

use super::Hub;
use crate::{Credential, ForgeError, Hook, HookEvent, NewHook};

/// More hooks than a repository may have.
const MOST_PAGES: u32 = 5;

#[derive(Deserialize)]
struct Found {
    id: u64,
    #[serde(default)]
    config: Config,
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(default)]
    url: String,
}

impl From<Found> for Hook {
    fn from(found: Found) -> Self {
        Self { id: found.id.to_string(), url: found.config.url }
    }
}

/// `GET /repos/{owner}/{name}/hooks`.
pub(crate) async fn list(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
) -> Result<Vec<Hook>, ForgeError> {
    let (size, longest) = hub.page_size();
    let mut hooks = Vec::new();
    let mut page = 1;
    loop {
        let call = hub.get(credential, repository, &["hooks"]).query(size, longest);
        let answer = call.query("page", &page.to_string()).done().await?;
        hooks.extend(answer.json::<Vec<Found>>()?.into_iter().map(Hook::from));
        match answer.next_page(page) {
            Some(next) if next <= MOST_PAGES => page = next,
            _ => return Ok(hooks),
        }
    }
}

/// `POST /repos/{owner}/{name}/hooks`. Both products sign with the secret (HMAC-SHA-256).
pub(crate) async fn add(
    hub: &Hub,
    credential: &Credential,
    repository: &Repository,
    hook: &NewHook,
) -> Result<Hook, ForgeError> {
    let mut events: Vec<&str> = hook.events.iter().flat_map(|event| names(*event)).copied().collect();
    events.sort_unstable();
    events.dedup();
    let mut body = json!({
        "config": {
            "url": hook.url.as_str(),
            "content_type": "json",
            "secret": hook.proof.secret().expose(),
        },
        "events": events,
        "active": true,
    });
    let (field, value) = if hub.is_github() { ("name", "web") } else { ("type", "gitea") };
    if let Some(body) = body.as_object_mut() {
        body.insert(field.into(), value.into());
    }
    let found: Found = hub.post(credential, repository, &["hooks"]).json(body).read().await?;
    Ok(found.into())
}

fn names(event: HookEvent) -> &'static [&'static str] {
    match event {
        HookEvent::Push => &["push"],
        HookEvent::Tag => &["create", "delete"],
        HookEvent::MergeRequest => &["pull_request"],
        HookEvent::Comment => &["issue_comment"],
        HookEvent::Issue => &["issues"],
    }
}
