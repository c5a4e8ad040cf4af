//! The keys `id_token`s are signed with: RS256, the only algorithm GitLab has.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The current key first, then former ones; made when first asked for.
pub(crate) struct SigningKey(Mutex<Vec<Arc<KeyPair>>>);

impl SigningKey {
    pub(crate) fn generate() -> Self {
        Self(Mutex::new(vec![]))
    }

    fn keys(&self) -> Vec<Arc<KeyPair>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.is_empty() {
            keys.push(new_key());
        }
        keys.clone()
    }

    /// Signs with a new key from now on; only it is published, as after an operator replaced the file.
    pub(crate) fn rotate(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = vec![new_key()];
    }

    /// The compact form of a signed token with these claims (RFC 7515).
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let keys = self.keys();
        let key = &keys[0];
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": thumbprint(key) });
        let text = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .expect("an RSA signature");
        format!("{text}.{}", part(signature))
    }

    /// The published keys (RFC 7517).
    pub(crate) fn set(&self) -> Value {
        let keys: Vec<Value> = self.keys().iter().map(|key| public(key)).collect();
        json!({ "keys": keys })
    }
}

fn new_key() -> Arc<KeyPair> {
    Arc::new(KeyPair::generate(KeySize::Rsa2048).expect("an RSA key"))
}

fn public(key: &KeyPair) -> Value {
    let (modulus, exponent) = numbers(key);
    json!({ "kty": "RSA", "kid": thumbprint(key), "e": exponent, "n": modulus, "use": "sig", "alg": "RS256" })
}

fn numbers(key: &KeyPair) -> (String, String) {
    let public = key.public_key();
    let modulus = public.modulus();
    let exponent = public.exponent();
    (part(modulus.big_endian_without_leading_zero()), part(exponent.big_endian_without_leading_zero()))
}

/// RFC 7638.
fn thumbprint(key: &KeyPair) -> String {
    let (modulus, exponent) = numbers(key);
    let canonical = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
    part(digest(&SHA256, canonical.as_bytes()))
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
