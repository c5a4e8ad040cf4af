//! The text of a kite key or token, which is a secret.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::Authentication;

/// The text of a kite key or token. No `Debug`, `Display` or `Serialize`; wiped with its last clone.
#[derive(Clone)]
pub struct TokenText(Arc<Zeroizing<String>>);

impl TokenText {
    /// Takes a text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Opens it, at the one call that sends, keeps or verifies it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What it says of itself, not verified: for whoever it belongs to, to know when it ends.
    pub(crate) fn unverified<T: DeserializeOwned>(&self) -> Option<T> {
        let mut parts = self.expose().split('.');
        let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    /// As the credential of a call, if it is a token.
    pub fn to_authentication(&self) -> Authentication {
        Authentication::token(self.expose())
    }
}

impl From<Zeroizing<String>> for TokenText {
    /// Takes over what is wiped already, without a copy.
    fn from(text: Zeroizing<String>) -> Self {
        Self(Arc::new(text))
    }
}

impl<'de> Deserialize<'de> for TokenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
