//! The `Authorization` header of a signed request: RFC 5849, section 3.5.1.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Clock, Entropy};
use url::Url;
use vault::{OAuth1Key, Secret};
use zeroize::Zeroizing;

use super::base_string::{base_string, encode};
use crate::{Fault, ForgeError};

/// Bytes of a nonce: no two requests of one second may have the same.
const NONCE: usize = 16;

/// Signs requests as a consumer.
pub(crate) struct Signer {
    consumer_key: String,
    key: OAuth1Key,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Signer {
    /// Of the consumer with this name and this private key in PEM.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`] where the key is none.
    pub(crate) fn new(
        consumer_key: &str,
        private_pem: &Secret<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ForgeError> {
        let key = OAuth1Key::from_pem(private_pem).map_err(|error| {
            ForgeError::new(
                Fault::Refused,
                "the private key for signing requests cannot be used",
                "register the forge anew, and enter the new public key at its application link",
            )
            .with_source(error)
        })?;
        Ok(Self { consumer_key: consumer_key.to_owned(), key, clock, entropy })
    }

    /// Whether the administrator has named the consumer already.
    pub(crate) fn has_consumer_key(&self) -> bool {
        !self.consumer_key.is_empty()
    }

    /// The header for a request whose body is no form. About a millisecond.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`] where the key is damaged.
    pub(crate) fn header(
        &self,
        method: &str,
        url: &Url,
        extra: &[(&str, &str)],
        token: Option<&Secret<String>>,
    ) -> Result<Secret<String>, ForgeError> {
        let mut nonce = [0; NONCE];
        self.entropy.fill(&mut nonce);
        let nonce = URL_SAFE_NO_PAD.encode(nonce);
        let timestamp = self.clock.now().as_second().max(0).to_string();
        let mut parameters = vec![
            ("oauth_consumer_key", self.consumer_key.as_str()),
            ("oauth_nonce", &nonce),
            ("oauth_signature_method", "RSA-SHA1"),
            ("oauth_timestamp", &timestamp),
            ("oauth_version", "1.0"),
        ];
        parameters.extend(token.map(|token| ("oauth_token", token.expose().as_str())));
        parameters.extend(extra);
        let signed = base_string(method, url, &parameters);
        let signature = self.key.sign_sha1(signed.as_bytes(), self.entropy.as_ref()).map_err(|error| {
            ForgeError::new(
                Fault::Refused,
                "a request cannot be signed",
                "register the forge anew, and enter the new public key at its application link",
            )
            .with_source(error)
        })?;
        let signature = STANDARD.encode(signature);
        parameters.push(("oauth_signature", &signature));
        let mut header = Zeroizing::new(String::from("OAuth "));
        for (place, (name, value)) in parameters.iter().enumerate() {
            if place > 0 {
                header.push_str(", ");
            }
            header.push_str(name);
            header.push_str("=\"");
            header.push_str(&encode(value));
            header.push('"');
        }
        Ok(Secret::from(header))
    }
}
