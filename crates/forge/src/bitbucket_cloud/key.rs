//! SSH keys of the account: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-ssh/>.

use serde::Deserialize;
use serde_json::json;

use super::{BitbucketCloud, account, page};
use crate::key::{is_same_key, refused};
use crate::{AddKey, Credential, ForgeError, UploadedKey};

/// More keys than an account has.
const MOST_PAGES: u32 = 10;

#[derive(Deserialize)]
struct Found {
    uuid: String,
    key: String,
    #[serde(default)]
    label: Option<String>,
}

/// `GET /users/{uuid}/ssh-keys`.
pub(super) async fn list(
    forge: &BitbucketCloud,
    credential: &Credential,
    user: &str,
) -> Result<Vec<UploadedKey>, ForgeError> {
    let parts = ["users", user, "ssh-keys"];
    let found = page::all::<Found>(MOST_PAGES, || forge.rest.get(credential, &parts)).await?;
    let found = found.into_iter().map(|key| UploadedKey {
        id: key.uuid,
        title: key.label.unwrap_or_default(),
        line: key.key,
    });
    Ok(found.collect())
}

/// `POST /users/{uuid}/ssh-keys`. No key is taken twice (400).
pub(super) async fn add(
    forge: &BitbucketCloud,
    credential: &Credential,
    title: &str,
    line: &str,
) -> Result<AddKey, ForgeError> {
    let user = account::uuid(forge, credential).await?;
    if let Some(id) = own(forge, credential, &user, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    let call = forge.rest.post(credential, &["users", &user, "ssh-keys"]);
    let answer = call.json(json!({"label": title, "key": line})).answer().await?;
    if answer.status().is_success() {
        return Ok(AddKey::Added { id: answer.json::<Found>()?.uuid });
    }
    if answer.status().as_u16() != 400 {
        return Err(forge.rest.refusal(&answer));
    }
    if let Some(id) = own(forge, credential, &user, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    refused(&answer, &["already registered", "already in use", "already been added"])
}

async fn own(
    forge: &BitbucketCloud,
    credential: &Credential,
    user: &str,
    line: &str,
) -> Result<Option<String>, ForgeError> {
    let keys = list(forge, credential, user).await?;
    Ok(keys.into_iter().find(|key| is_same_key(&key.line, line)).map(|key| key.id))
}
