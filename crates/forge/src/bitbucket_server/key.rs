//! SSH keys of the account: `/rest/ssh/1.0/keys`.

use serde::Deserialize;
use serde_json::json;

use super::{BitbucketServer, page};
use crate::key::{is_same_key, refused};
use crate::{AddKey, Credential, Fault, ForgeError, UploadedKey};

const PATH: &[&str] = &["ssh", "1.0", "keys"];
/// More keys than an account has.
const MOST_PAGES: u32 = 10;

#[derive(Deserialize)]
struct Found {
    id: u64,
    text: String,
    #[serde(default)]
    label: Option<String>,
}

/// `GET /keys`.
pub(super) async fn list(
    forge: &BitbucketServer,
    credential: &Credential,
) -> Result<Vec<UploadedKey>, ForgeError> {
    let found = page::all::<Found>(MOST_PAGES, || forge.rest.get(credential, PATH)).await?;
    let found = found.into_iter().map(|key| UploadedKey {
        id: key.id.to_string(),
        title: key.label.unwrap_or_default(),
        line: key.text,
    });
    Ok(found.collect())
}

/// `POST /keys`. No key is taken twice on an instance (409).
pub(super) async fn add(
    forge: &BitbucketServer,
    credential: &Credential,
    title: &str,
    line: &str,
) -> Result<AddKey, ForgeError> {
    if let Some(id) = own(forge, credential, line).await? {
        return Ok(AddKey::AlreadyThere { id });
    }
    let answer =
        forge.rest.post(credential, PATH).json(json!({"label": title, "text": line})).answer().await?;
    match answer.status().as_u16() {
        200..=299 => Ok(AddKey::Added { id: answer.json::<Found>()?.id.to_string() }),
        409 => {
            let own = own(forge, credential, line).await?;
            Ok(own.map_or(AddKey::TakenByAnother, |id| AddKey::AlreadyThere { id }))
        }
        400 => refused(&answer, &[]),
        _ => Err(may_change(credential, forge.rest.refusal(&answer))),
    }
}

/// `DELETE /keys/{id}`, which is silent also where there is none.
pub(super) async fn remove(
    forge: &BitbucketServer,
    credential: &Credential,
    id: &str,
) -> Result<(), ForgeError> {
    let removed = forge.rest.delete(credential, &[PATH, &[id]].concat()).gone().await;
    removed.map_err(|error| may_change(credential, error))
}

/// Everybody may change their own keys, so what is lacking is the scope.
fn may_change(credential: &Credential, error: ForgeError) -> ForgeError {
    if !matches!(credential, Credential::Bearer(_)) || *error.fault() != Fault::Forbidden {
        return error;
    }
    ForgeError::new(
        Fault::MissingScope { scopes: vec!["ACCOUNT_WRITE".into()] },
        "the forge wants the scope `ACCOUNT_WRITE` for this, which the account's link does not have",
        "link the account again with `ACCOUNT_WRITE`",
    )
}

async fn own(
    forge: &BitbucketServer,
    credential: &Credential,
    line: &str,
) -> Result<Option<String>, ForgeError> {
    let keys = list(forge, credential).await?;
    Ok(keys.into_iter().find(|key| is_same_key(&key.line, line)).map(|key| key.id))
}
