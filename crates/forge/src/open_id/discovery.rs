//! What a provider says about itself (OpenID Connect Discovery 1.0).

use domain::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::address::{below, is_loopback};
use crate::api::{Api, host_of};
use crate::oauth2::{ClientAuth, Endpoints};
use crate::open_id::keys::Keys;
use crate::site::Site;
use crate::{Credential, Fault, ForgeError};

/// How long a description is taken for true.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// A provider's description of itself, checked.
pub(super) struct Discovery {
    /// What it calls itself: the registered issuer, perhaps with a slash at the end. Compared exactly.
    pub(super) issuer: String,
    /// Where the round trip goes.
    pub(super) endpoints: Endpoints,
    /// Where the holder of a token is described.
    pub(super) userinfo: Option<Url>,
    /// Its keys.
    pub(super) keys: Keys,
    fetched_at: Timestamp,
}

impl Discovery {
    /// Asks for it.
    pub(super) async fn fetch(site: &Site, now: Timestamp) -> Result<Self, ForgeError> {
        let root = below(&site.base, "/.well-known");
        let host = host_of(&root);
        let api = Api::new(site.kind, site.client.clone(), root);
        let document: Document = api.get(&Credential::Anonymous, &["openid-configuration"]).read().await?;
        Self::check(document, site, &host, now)
    }

    fn check(document: Document, site: &Site, host: &str, now: Timestamp) -> Result<Self, ForgeError> {
        if document.issuer.trim_end_matches('/') != site.issuer {
            return Err(ForgeError::new(
                Fault::Protocol,
                format!("`{host}` calls itself by another address than the one it is registered under"),
                "register the provider under the issuer that its own documentation names",
            ));
        }
        let url = |text: &str| endpoint(text, host);
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|it| it == method);
        // Without a word about it, `client_secret_basic` is the default.
        let auth = if takes("client_secret_post") && !takes("client_secret_basic") {
            ClientAuth::Form
        } else {
            ClientAuth::Basic
        };
        Ok(Self {
            endpoints: Endpoints {
                authorize: url(&document.authorization_endpoint)?,
                token: url(&document.token_endpoint)?,
                revoke: document.revocation_endpoint.as_deref().map(url).transpose()?,
                auth,
            },
            userinfo: document.userinfo_endpoint.as_deref().map(url).transpose()?,
            keys: Keys::new(site.client.clone(), url(&document.jwks_uri)?),
            issuer: document.issuer,
            fetched_at: now,
        })
    }

    /// Whether it need not be asked again.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        // A clock that was set back makes the age negative.
        let age = now.duration_since(self.fetched_at);
        age < FRESH && age > -FRESH
    }
}

fn endpoint(text: &str, host: &str) -> Result<Url, ForgeError> {
    let url = Url::parse(text).ok().filter(|url| {
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        is_safe && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
    });
    url.ok_or_else(|| {
        ForgeError::new(
            Fault::Protocol,
            format!("`{host}` names an address for signing in that is not `https`"),
            "the provider has to be set up with `https` addresses",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_are_taken() {
        for (text, is_good) in [
            ("https://id.example.com/token", true),
            ("https://other.example.com/token?tenant=1", true),
            ("http://127.0.0.1:3000/token", true),
            ("http://id.example.com/token", false),
            ("https://user@id.example.com/token", false),
            ("https://id.example.com/token#x", false),
            ("file:///etc/passwd", false),
            ("/token", false),
        ] {
            assert_eq!(endpoint(text, "id.example.com").is_ok(), is_good, "{text}");
        }
    }
}
