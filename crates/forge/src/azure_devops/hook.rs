//! Web hooks: <https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks>.
//!
//! A subscription of this product is for one kind of event, so that a hook of ours is several of them. Its id is
//! theirs, with commas.

use domain::Repository;
use serde::Deserialize;
use serde_json::json;
use tracing::debug;

use super::repository::{self, List};
use super::{AzureDevops, VERSION};
use crate::{Credential, ForgeError, Hook, HookEvent, NewHook};

/// Our name towards ourselves: deliveries show the secret as its password.
const USER: &str = "hearth";

#[derive(Deserialize)]
struct Subscription {
    id: String,
    #[serde(default, rename = "publisherInputs")]
    about: About,
    #[serde(default, rename = "consumerInputs")]
    to: To,
}

#[derive(Deserialize, Default)]
struct About {
    #[serde(default)]
    repository: Option<String>,
}

#[derive(Deserialize, Default)]
struct To {
    #[serde(default)]
    url: Option<String>,
}

fn path<'a>(repository: &'a Repository, rest: &[&'a str]) -> Vec<&'a str> {
    let organisation = repository.owner.split('/').next().unwrap_or_default();
    [&[organisation, "_apis", "hooks", "subscriptions"], rest].concat()
}

/// `GET /{organisation}/_apis/hooks/subscriptions`, of which those of the repository count.
pub(super) async fn list(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
) -> Result<Vec<Hook>, ForgeError> {
    let call = forge.root.get(credential, &path(repository, &[])).query("consumerId", "webHooks");
    let listed: List<Subscription> = call.query("api-version", VERSION).read().await?;
    let mut hooks: Vec<Hook> = Vec::new();
    for found in listed.value {
        if found.about.repository.as_deref() != Some(repository.id.as_str()) {
            continue;
        }
        let url = found.to.url.unwrap_or_default();
        match hooks.iter_mut().find(|hook| hook.url == url) {
            Some(hook) => {
                hook.id.push(',');
                hook.id.push_str(&found.id);
            }
            None => hooks.push(Hook { id: found.id, url }),
        }
    }
    Ok(hooks)
}

/// `POST /{organisation}/_apis/hooks/subscriptions`, once for each kind of event; all or none.
pub(super) async fn add(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    hook: &NewHook,
) -> Result<Hook, ForgeError> {
    let project = repository::get(forge, credential, repository).await?.project.id;
    let mut events: Vec<&str> = hook.events.iter().flat_map(|event| names(*event)).copied().collect();
    events.sort_unstable();
    events.dedup();
    let mut ids: Vec<String> = Vec::new();
    for event in events {
        let body = json!({
            "publisherId": "tfs",
            "eventType": event,
            "resourceVersion": "1.0",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": project, "repository": repository.id},
            "consumerInputs": {
                "url": hook.url.as_str(),
                "basicAuthUsername": USER,
                "basicAuthPassword": hook.proof.secret().expose(),
            },
        });
        let call = forge.root.post(credential, &path(repository, &[])).query("api-version", VERSION);
        match call.json(body).read::<Subscription>().await {
            Ok(made) => ids.push(made.id),
            Err(error) => {
                if let Err(error) = remove(forge, credential, repository, &ids.join(",")).await {
                    debug!(code = error.code(), "a part of a hook that was not made stays behind");
                }
                return Err(error);
            }
        }
    }
    Ok(Hook { id: ids.join(","), url: hook.url.as_str().to_owned() })
}

/// `DELETE /{organisation}/_apis/hooks/subscriptions/{id}` of each.
pub(super) async fn remove(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
    id: &str,
) -> Result<(), ForgeError> {
    for id in id.split(',').filter(|id| !id.is_empty()) {
        let call = forge.root.delete(credential, &path(repository, &[id]));
        call.query("api-version", VERSION).gone().await?;
    }
    Ok(())
}

/// <https://learn.microsoft.com/en-us/azure/devops/service-hooks/events>
fn names(event: HookEvent) -> &'static [&'static str] {
    match event {
        HookEvent::Push | HookEvent::Tag => &["git.push"],
        HookEvent::MergeRequest => {
            &["git.pullrequest.created", "git.pullrequest.updated", "git.pullrequest.merged"]
        }
        HookEvent::Comment => &["ms.vss-code.git-pullrequest-comment-event"],
        HookEvent::Issue => &["workitem.created", "workitem.updated"],
    }
}
