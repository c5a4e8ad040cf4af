//! SSH keys of the account.

use serde::Deserialize;
use serde_json::json;

use super::Gitlab;
use crate::key::{is_same_key, refused};
use crate::{AddKey, Credential, ForgeError, UploadedKey};

/// More keys than an account has.
const MOST_PAGES: u32 = 10;

#[derive(Deserialize)]
struct Found {
    id: u64,
    #[serde(default)]
    title: String,
    key: String,
}

/// `GET /user/keys`.
pub(super) async fn list(gitlab: &Gitlab, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
    let mut keys = Vec::new();
    let mut page = 1;
    loop {
        let call = gitlab.api.get(credential, &["user", "keys"]).query("per_page", "100");
        let answer = call.query("page", &page.to_string()).done().await?;
        let found = answer.json::<Vec<Found>>()?.into_iter();
        keys.extend(found.map(|key| UploadedKey { id: key.id.to_string(), title: key.title, line: key.key }));
        match answer.next_page(page) {
            Some(next) if next <= MOST_PAGES => page = next,
            _ => return Ok(keys),
        }
    }
}

/// `POST /user/keys`, which needs `api`. No key is taken twice on an instance (400).
pub(super) async fn add(
    gitlab: &Gitlab,
    credential: &Credential,
    title: &str,
    line: &str,
) -> Result<AddKey, ForgeError> {
    if let Some(id) = own(gitlab, credential, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    let call = gitlab.api.post(credential, &["user", "keys"]).json(json!({"title": title, "key": line}));
    let answer = call.answer().await?;
    if answer.status().is_success() {
        return Ok(AddKey::Added { id: answer.json::<Found>()?.id.to_string() });
    }
    if answer.status().as_u16() != 400 {
        return Err(crate::api::refusal(&answer));
    }
    if let Some(id) = own(gitlab, credential, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    refused(&answer, &["has already been taken"])
}

async fn own(gitlab: &Gitlab, credential: &Credential, line: &str) -> Result<Option<String>, ForgeError> {
    let keys = list(gitlab, credential).await?;
    Ok(keys.into_iter().find(|key| is_same_key(&key.line, line)).map(|key| key.id))
}
