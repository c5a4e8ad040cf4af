//! The public keys that identity tokens are signed with.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use outbound::Client;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::api::{ANSWER_MAX, Answer, from_outbound};
use crate::{Fault, ForgeError};

/// More keys than any provider shows at once.
const MOST_KEYS: usize = 100;

/// A provider's keys, kept until a token names one that is not among them.
pub(crate) struct Keys {
    client: Client,
    url: Url,
    kept: Mutex<Option<Vec<Jwk>>>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Keys {
    /// The keys at `url`.
    pub(crate) fn new(client: Client, url: Url) -> Self {
        Self { client, url, kept: Mutex::new(None) }
    }

    /// The keys that may have signed a token whose header names `id`. Asks once more where it is unknown:
    /// providers change keys.
    pub(crate) async fn find(&self, id: Option<&str>) -> Result<Vec<Jwk>, ForgeError> {
        let mut kept = self.kept.lock().await;
        if let Some(keys) = kept.as_ref() {
            let found = pick(keys, id);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let keys = kept.insert(self.fetch().await?);
        Ok(pick(keys, id))
    }

    /// Forgets what is kept: a signature did not fit, so a key may have been replaced under its old id.
    pub(crate) async fn forget(&self) {
        *self.kept.lock().await = None;
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, ForgeError> {
        let response =
            self.client.get(self.url.clone()).limit(ANSWER_MAX).send().await.map_err(from_outbound)?;
        let answer = Answer::receive(&self.url, response).await?.checked()?;
        let document: Document = answer.json()?;
        // A key of a kind that nobody here knows is no reason to refuse the others.
        let keys: Vec<Jwk> = document
            .keys
            .into_iter()
            .take(MOST_KEYS)
            .filter_map(|key| serde_json::from_value(key).ok())
            .collect();
        if keys.is_empty() {
            return Err(ForgeError::new(
                Fault::Protocol,
                format!("`{}` shows no keys for signing people in", answer.host()),
                "the provider has to be set up with a signing key (RS256, ES256 or EdDSA)",
            ));
        }
        Ok(keys)
    }
}

fn pick(keys: &[Jwk], id: Option<&str>) -> Vec<Jwk> {
    let signs = |key: &&Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    let fits = |key: &&Jwk| id.is_none() || key.common.key_id.as_deref() == id;
    keys.iter().filter(signs).filter(fits).cloned().collect()
}
