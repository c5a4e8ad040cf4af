//! SSH keys of the account.

use serde::Deserialize;
use serde_json::json;

use super::Hub;
use crate::key::{is_same_key, refused};
use crate::{AddKey, Credential, ForgeError, UploadedKey};

/// More keys than an account has.
const MOST_PAGES: u32 = 10;

/// GitHub's sentence, then Gitea's.
const TAKEN: &[&str] = &["already in use", "been used as non-deploy key"];

#[derive(Deserialize)]
struct Found {
    id: u64,
    #[serde(default)]
    title: String,
    key: String,
}

/// `GET /user/keys`.
pub(crate) async fn list(hub: &Hub, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
    let (size, longest) = hub.page_size();
    let mut keys = Vec::new();
    let mut page = 1;
    loop {
        let call = hub.api.get(credential, &["user", "keys"]).query(size, longest);
        let answer = call.query("page", &page.to_string()).done().await?;
        let found = answer.json::<Vec<Found>>()?.into_iter();
        keys.extend(found.map(|key| UploadedKey { id: key.id.to_string(), title: key.title, line: key.key }));
        match answer.next_page(page) {
            Some(next) if next <= MOST_PAGES => page = next,
            _ => return Ok(keys),
        }
    }
}

/// `POST /user/keys`. No key is taken twice on an instance (422).
pub(crate) async fn add(
    hub: &Hub,
    credential: &Credential,
    title: &str,
    line: &str,
) -> Result<AddKey, ForgeError> {
    if let Some(id) = own(hub, credential, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    let call = hub.api.post(credential, &["user", "keys"]).json(json!({"title": title, "key": line}));
    let answer = call.answer().await?;
    if answer.status().is_success() {
        return Ok(AddKey::Added { id: answer.json::<Found>()?.id.to_string() });
    }
    if answer.status().as_u16() != 422 {
        return Err(crate::api::refusal(&answer));
    }
    if let Some(id) = own(hub, credential, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    refused(&answer, TAKEN)
}

async fn own(hub: &Hub, credential: &Credential, line: &str) -> Result<Option<String>, ForgeError> {
    let keys = list(hub, credential).await?;
    Ok(keys.into_iter().find(|key| is_same_key(&key.line, line)).map(|key| key.id))
}
