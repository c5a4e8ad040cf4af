//! What a kite key and a token say.

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// The longest that a kite key may live: a year.
pub const MAX_KITE_KEY_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The longest that a token may live: a day. Registries give an hour.
pub const MAX_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How many parts the audience of a token has: the seven fields of a kite.
const AUDIENCE_PARTS: usize = 7;

/// The claims of a kite key.
///
/// Times are written as whole seconds since 1970 (RFC 7519's NumericDate, without fractions).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KiteKeyClaims {
    /// Who signed: the registry's name.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Whose key it is: a user name.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Where it is good: the registry's URL.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was signed.
    #[serde(rename = "iat", with = "jiff::fmt::serde::timestamp::second::required")]
    pub issued_at: Timestamp,
    /// When it ends. A kite key without an end is refused.
    #[serde(rename = "exp", with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
    /// Its name, by which it can be revoked.
    #[serde(rename = "jti")]
    pub id: String,
    /// Where the registry is, for whoever holds the key. Informational.
    #[serde(rename = "kontrolURL")]
    pub kontrol_url: String,
    /// The registry's public key as PEM, for whoever holds the key and keeps it as its own configuration.
    /// Informational: it is never used to verify anything that arrived over a connection.
    #[serde(rename = "kontrolKey")]
    pub kontrol_key: String,
}

/// The claims of a token. Times as in [`KiteKeyClaims`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenClaims {
    /// Who signed: the registry's name.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Who may call: a user name.
    #[serde(rename = "sub")]
    pub subject: String,
    /// The one kite that it is good at: `/username/environment/name/version/region/hostname/id`, never shorter.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was signed; registries say a minute earlier, for clocks that are behind.
    #[serde(rename = "iat", with = "jiff::fmt::serde::timestamp::second::required")]
    pub issued_at: Timestamp,
    /// Before when it is not good; the same as `issued_at`.
    #[serde(rename = "nbf", with = "jiff::fmt::serde::timestamp::second::required")]
    pub not_before: Timestamp,
    /// When it ends.
    #[serde(rename = "exp", with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
    /// Its name.
    #[serde(rename = "jti")]
    pub id: String,
    /// What the caller showed to get it, by a name that the registry knows it by and that is no secret. A private
    /// claim: only who signed can tell whether that is still good, and others pass over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// What kite keys and tokens have in common for signing and verifying. Implemented by these two alone.
pub trait Claims: Serialize + DeserializeOwned + sealed::Sealed {
    /// The longest accepted time from `iat` to `exp`.
    const MAX_LIFE: SignedDuration;

    /// Who signed.
    fn issuer(&self) -> &str;
    /// Whom it names.
    fn subject(&self) -> &str;
    /// Where it is good.
    fn audience(&self) -> &str;
    /// Its name.
    fn id(&self) -> &str;
    /// When it was signed.
    fn issued_at(&self) -> Timestamp;
    /// From when on it is good.
    fn not_before(&self) -> Timestamp;
    /// Until when it is good.
    fn expires_at(&self) -> Timestamp;
    /// Whether the audience has the form that this kind must have.
    fn has_sound_audience(&self) -> bool;
}

impl Claims for KiteKeyClaims {
    const MAX_LIFE: SignedDuration = MAX_KITE_KEY_LIFE;

    fn issuer(&self) -> &str {
        &self.issuer
    }
    fn subject(&self) -> &str {
        &self.subject
    }
    fn audience(&self) -> &str {
        &self.audience
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn issued_at(&self) -> Timestamp {
        self.issued_at
    }
    fn not_before(&self) -> Timestamp {
        self.issued_at
    }
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// A URL with a scheme: never a path, so that no token is a kite key.
    fn has_sound_audience(&self) -> bool {
        self.audience.starts_with("http://") || self.audience.starts_with("https://")
    }
}

impl Claims for TokenClaims {
    const MAX_LIFE: SignedDuration = MAX_TOKEN_LIFE;

    fn issuer(&self) -> &str {
        &self.issuer
    }
    fn subject(&self) -> &str {
        &self.subject
    }
    fn audience(&self) -> &str {
        &self.audience
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn issued_at(&self) -> Timestamp {
        self.issued_at
    }
    fn not_before(&self) -> Timestamp {
        self.not_before
    }
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// All seven fields of one kite: `/` or `/user/environment/name`, which the original signed, are good at
    /// many kites and let each of them act as the caller at the others.
    fn has_sound_audience(&self) -> bool {
        let Some(fields) = self.audience.strip_prefix('/') else { return false };
        let mut parts = 0_usize;
        fields.split('/').all(|field| {
            parts = parts.saturating_add(1);
            !field.is_empty()
        }) && parts == AUDIENCE_PARTS
    }
}

/// Judges everything but signature, issuer and expected audience; the same when signing and when verifying.
pub(super) fn check<C: Claims>(claims: &C) -> Result<(), Refusal> {
    if claims.issuer().is_empty() || claims.subject().is_empty() || claims.id().is_empty() {
        return Err(Refusal::Empty);
    }
    if !claims.has_sound_audience() {
        return Err(Refusal::Audience);
    }
    let issued_at = claims.issued_at();
    let is_forward = issued_at.as_second() > 0
        && issued_at <= claims.not_before()
        && claims.not_before() < claims.expires_at();
    if !is_forward || claims.expires_at().duration_since(issued_at) > C::MAX_LIFE {
        return Err(Refusal::Times);
    }
    Ok(())
}

mod sealed {
    /// Keeps the trait to this file's two kinds.
    pub trait Sealed {}
    impl Sealed for super::KiteKeyClaims {}
    impl Sealed for super::TokenClaims {}
}
