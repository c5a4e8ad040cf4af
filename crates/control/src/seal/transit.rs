//! The platform key in a key service that speaks Vault's Transit API (HashiCorp Vault, OpenBao).
//!
//! Data keys are wrapped by `POST /v1/{mount}/encrypt/{key}` with the data key's identity as associated data,
//! so the service itself refuses a wrapped key that was moved. `rewrap` of that API takes no associated data;
//! wrapping again is therefore a decryption and an encryption, with the material in this process for a moment.
//!
//! Source: <https://developer.hashicorp.com/vault/api-docs/secret/transit>.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode};
use outbound::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use vault::{PlatformKey, PlatformKeyError, Secret, Wrapped};
use zeroize::Zeroizing;

/// Every ciphertext begins so, the version's number and a colon behind.
const PREFIX: &str = "vault:v";
/// A key service is near; a start of a workspace waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Where the key is.
#[derive(Debug, Clone)]
pub struct TransitSettings {
    /// Address of the service: `https://vault.example.com:8200`.
    pub url: Url,
    /// Where the Transit engine is mounted: `transit`.
    pub mount: String,
    /// Name of the key, of a type with associated data (`aes256-gcm96`).
    pub key: String,
    /// File with the token; read for every call, so that an agent may renew it.
    pub token_file: PathBuf,
    /// Namespace, where the service has them.
    pub namespace: Option<String>,
}

/// A platform key in a key service.
pub struct TransitKey {
    client: Client,
    settings: TransitSettings,
}

impl TransitKey {
    /// A key that `client` reaches; nothing is asked yet.
    pub fn new(client: Client, settings: TransitSettings) -> Arc<Self> {
        Arc::new(Self { client, settings })
    }

    fn at(&self, act: &str) -> Result<Url, PlatformKeyError> {
        let mut url = self.settings.url.clone();
        let bad = || {
            PlatformKeyError::refused(
                format!("`{}` is no address of a key service", self.settings.url),
                "give `keys.transit.url` as `https://host:8200`",
            )
        };
        let mut path = url.path_segments_mut().map_err(|()| bad())?;
        path.pop_if_empty().push("v1").extend(self.settings.mount.split('/'));
        path.extend(act.split('/')).push(&self.settings.key);
        drop(path);
        Ok(url)
    }

    fn token(&self) -> Result<HeaderValue, PlatformKeyError> {
        let path = self.settings.token_file.display();
        let text = std::fs::read_to_string(&self.settings.token_file).map_err(|error| {
            let mend =
                format!("make the file `{path}` readable for the server alone (`keys.transit.token_file`)");
            PlatformKeyError::unavailable("cannot read the key service's token", mend).because(error)
        })?;
        let text = Zeroizing::new(text);
        let mut value = HeaderValue::from_str(text.trim()).map_err(|_| {
            PlatformKeyError::refused(format!("`{path}` holds no token"), "put the token alone into it")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Calls the service; the answer's `data`.
    async fn call(&self, url: Url, body: Option<Value>) -> Result<Value, PlatformKeyError> {
        let request = match body {
            Some(body) => {
                let body = serde_json::to_vec(&body).unwrap_or_default();
                let json = HeaderValue::from_static("application/json");
                self.client.post(url).header(http::header::CONTENT_TYPE, json).body(body)
            }
            None => self.client.get(url),
        };
        let mut request =
            request.header(HeaderName::from_static("x-vault-token"), self.token()?).within(TIME_LIMIT);
        if let Some(namespace) = &self.settings.namespace
            && let Ok(value) = HeaderValue::from_str(namespace)
        {
            request = request.header(HeaderName::from_static("x-vault-namespace"), value);
        }
        let response = request.send().await.map_err(|error| {
            let mend = error.mend();
            PlatformKeyError::unavailable("the key service cannot be reached", mend).because(error)
        })?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| {
            let mend = error.mend();
            PlatformKeyError::unavailable("the key service broke off its answer", mend).because(error)
        })?;
        judge(status, &self.settings.key)?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| strange())?;
        Ok(answer.data)
    }
}

/// What every answer looks like.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Value,
}

fn judge(status: StatusCode, key: &str) -> Result<(), PlatformKeyError> {
    match status.as_u16() {
        200..=299 => Ok(()),
        400 => Err(PlatformKeyError::refused(
            "the key service refuses what it was given: it was changed, moved, or its key version is gone",
            format!("compare `min_decryption_version` of the key `{key}` with the versions still in use"),
        )),
        401 | 403 => Err(PlatformKeyError::unavailable(
            "the key service does not accept the token",
            format!(
                "renew it, with a policy that allows encrypt, decrypt, rotate and read for the key `{key}`"
            ),
        )),
        404 => Err(PlatformKeyError::refused(
            format!("the key service has no key `{key}` at that mount"),
            "make it, or mend `keys.transit.mount` and `keys.transit.key`",
        )),
        _ => Err(PlatformKeyError::unavailable(
            format!("the key service is not ready: it answered {status}"),
            "look whether it is sealed or overloaded",
        )),
    }
}

fn strange() -> PlatformKeyError {
    PlatformKeyError::unavailable(
        "the key service answered with something else than it should",
        "check that `keys.transit.url` leads to Vault or OpenBao itself",
    )
}

fn text<'a>(data: &'a Value, field: &str) -> Result<&'a str, PlatformKeyError> {
    data.get(field).and_then(Value::as_str).ok_or_else(strange)
}

#[async_trait]
impl PlatformKey for TransitKey {
    fn name(&self) -> &'static str {
        "transit"
    }

    async fn wrap(&self, material: &Secret<[u8; 32]>, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
        let body = json!({
            "plaintext": STANDARD.encode(material.expose()),
            "associated_data": STANDARD.encode(aad),
        });
        let data = self.call(self.at("encrypt")?, Some(body)).await?;
        Ok(Wrapped::from_bytes(text(&data, "ciphertext")?.as_bytes().to_vec()))
    }

    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret<[u8; 32]>, PlatformKeyError> {
        let ciphertext = std::str::from_utf8(wrapped.as_bytes()).ok().filter(|text| text.starts_with(PREFIX));
        let ciphertext = ciphertext.ok_or_else(|| {
            PlatformKeyError::refused(
                "this data key was not wrapped by the key service",
                "configure the platform key that wrapped it; moving from one kind to another is not possible yet",
            )
        })?;
        let body = json!({ "ciphertext": ciphertext, "associated_data": STANDARD.encode(aad) });
        let data = self.call(self.at("decrypt")?, Some(body)).await?;
        let plain = Zeroizing::new(STANDARD.decode(text(&data, "plaintext")?).map_err(|_| strange())?);
        let material: [u8; 32] = plain.as_slice().try_into().map_err(|_| strange())?;
        Ok(Secret::new(material))
    }

    async fn rewrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
        let material = self.unwrap(wrapped, aad).await?;
        self.wrap(&material, aad).await
    }

    async fn version(&self) -> Result<String, PlatformKeyError> {
        let data = self.call(self.at("keys")?, None).await?;
        let latest = data.get("latest_version").and_then(Value::as_u64).ok_or_else(strange)?;
        Ok(format!("v{latest}"))
    }

    fn wrapped_by(&self, wrapped: &Wrapped) -> String {
        let text = std::str::from_utf8(wrapped.as_bytes()).unwrap_or_default();
        let number =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':')).map(|(number, _)| number);
        number.map(|number| format!("v{number}")).unwrap_or_default()
    }

    async fn rotate(&self) -> Result<String, PlatformKeyError> {
        let mut url = self.at("keys")?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push("rotate");
        }
        self.call(url, Some(json!({}))).await?;
        self.version().await
    }

    async fn health(&self) -> Result<(), PlatformKeyError> {
        self.version().await.map(drop)
    }
}
