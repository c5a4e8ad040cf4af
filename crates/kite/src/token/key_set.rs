//! Verifying, with the keys that one was given.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::claims::{Claims, check};
use super::key::PublicKey;
use super::refusal::Refusal;

/// How far two clocks may be apart.
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// The longest text that is looked at. A kite key has 1.4 KB, most of it the registry's public key.
pub const MAX_BYTES: usize = 8 * 1024;

/// Public keys by name; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Arc<BTreeMap<String, PublicKey>>,
}

/// What whoever verifies knows.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The registry's name.
    pub issuer: &'a str,
    /// Of a kite key, the registry's URL; of a token, the whole path of the kite that it was presented to.
    pub audience: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// Something verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<C> {
    /// What it says.
    pub claims: C,
    /// The name of the key that signed it.
    pub key: String,
}

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { keys: Arc::new(keys.into_iter().map(|key| (key.id().to_owned(), key)).collect()) }
    }

    /// The key of this name.
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        self.keys.get(id)
    }

    /// The same with one key more.
    #[must_use]
    pub fn with(&self, key: PublicKey) -> Self {
        let mut keys = BTreeMap::clone(&self.keys);
        keys.insert(key.id().to_owned(), key);
        Self { keys: Arc::new(keys) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none: then everything is refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies a kite key or a token.
    ///
    /// Takes less than 0.1 ms of a core. Says nothing about revocation: that is the registry's to know.
    ///
    /// # Errors
    ///
    /// The first reason to refuse it. Tell strangers [`Refusal::public`] only.
    pub fn verify<C: Claims>(&self, text: &str, expected: &Expected<'_>) -> Result<Verified<C>, Refusal> {
        let header = Header::of(text)?;
        let key = self.keys.get(&header.kid).ok_or(Refusal::UnknownKey)?;
        let claims: C = jsonwebtoken::decode(text, &key.decoding, &signature_only())
            .map_err(|error| refusal(error.kind()))?
            .claims;
        check(&claims)?;
        if claims.issuer() != expected.issuer {
            return Err(Refusal::Issuer);
        }
        if claims.audience() != expected.audience {
            return Err(Refusal::Audience);
        }
        in_time(&claims, expected.now)?;
        Ok(Verified { claims, key: header.kid })
    }
}

/// The parts of a header that decide anything. A key or an address of one in it (`jwk`, `jku`, `x5c`, `x5u`)
/// is not even read.
#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

struct Header {
    kid: String,
}

impl Header {
    /// Reads the header, and refuses whatever can be refused without a key.
    fn of(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLong);
        }
        let mut parts = text.split('.');
        let (Some(first), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Parts);
        };
        let json = URL_SAFE_NO_PAD.decode(first).map_err(|_| Refusal::Malformed)?;
        let raw: RawHeader = serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)?;
        if raw.alg != "RS256" {
            return Err(Refusal::Algorithm);
        }
        if raw.crit.is_some() {
            return Err(Refusal::Critical);
        }
        Ok(Self { kid: raw.kid.ok_or(Refusal::NoKeyId)? })
    }
}

/// The library reads and checks the signature; the claims are judged here, by the time that is given to us.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            Refusal::Algorithm
        }
        _ => Refusal::Malformed,
    }
}

fn in_time<C: Claims>(claims: &C, now: Timestamp) -> Result<(), Refusal> {
    let (now, leeway) = (now.as_second(), LEEWAY.as_secs());
    if claims.issued_at().as_second() > now.saturating_add(leeway) {
        return Err(Refusal::Times);
    }
    if claims.not_before().as_second() > now.saturating_add(leeway) {
        return Err(Refusal::NotYet);
    }
    if claims.expires_at().as_second() <= now.saturating_sub(leeway) {
        return Err(Refusal::Expired);
    }
    Ok(())
}
