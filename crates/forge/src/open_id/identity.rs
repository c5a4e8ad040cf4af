//! Identity tokens: signed statements of who consented (OpenID Connect Core 1.0, 3.1.3.7).

use domain::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use vault::Secret;

use crate::open_id::Profile;
use crate::open_id::keys::Keys;
use crate::{Fault, ForgeError};

/// What may sign. Never `none`, and never a shared secret: whoever checks such a token could have made it.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// How far the clocks of two machines may be apart. The token comes straight from the provider and is bound
/// to one attempt by its nonce, so its times guard little.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Longer tokens than any provider sends.
const LONGEST: usize = 64 << 10;

/// What a token has to say.
pub(crate) struct Expected<'a> {
    /// Who said it: exactly one of these.
    pub(crate) issuers: &'a [&'a str],
    /// For whom.
    pub(crate) client_id: &'a str,
    /// For which attempt.
    pub(crate) nonce: &'a str,
    /// When.
    pub(crate) now: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(flatten)]
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

/// Checks a token in full and gives what it says about the person.
pub(crate) async fn verify(
    token: &Secret<String>,
    keys: &Keys,
    expected: &Expected<'_>,
) -> Result<Profile, ForgeError> {
    let text = token.expose().as_str();
    if text.len() > LONGEST {
        return Err(refuse("is too long"));
    }
    let header = decode_header(text).map_err(|_| refuse("cannot be read, or is not signed"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refuse("is not signed with RS256, ES256 or EdDSA"));
    }
    let id = header.kid.as_deref();
    let mut claims = signed(text, header.alg, &keys.find(id).await?);
    if claims.is_none() {
        keys.forget().await;
        claims = signed(text, header.alg, &keys.find(id).await?);
    }
    judge(claims.ok_or_else(|| refuse("is not signed with a key of the provider"))?, expected)
}

/// The claims, if one of the keys has signed them.
fn signed(text: &str, algorithm: Algorithm, keys: &[jsonwebtoken::jwk::Jwk]) -> Option<Claims> {
    let mut rules = Validation::new(algorithm);
    // Only the signature: the library would ask the machine for the time.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    keys.iter().find_map(|key| {
        let key = DecodingKey::from_jwk(key).ok()?;
        Some(decode::<Claims>(text, &key, &rules).ok()?.claims)
    })
}

fn judge(claims: Claims, expected: &Expected<'_>) -> Result<Profile, ForgeError> {
    if !expected.issuers.contains(&claims.iss.as_str()) {
        return Err(refuse("is from another issuer"));
    }
    let names = claims.aud.names();
    if !names.iter().any(|name| name == expected.client_id) {
        return Err(refuse("is for another application"));
    }
    let azp = claims.azp.as_deref();
    if azp.is_some_and(|azp| azp != expected.client_id) || (names.len() > 1 && azp.is_none()) {
        return Err(refuse("was made for another application"));
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(refuse("belongs to another attempt"));
    }
    let seconds = |time: Timestamp| time.as_duration().as_secs_f64();
    let (early, late) =
        (seconds(expected.now) - SKEW.as_secs_f64(), seconds(expected.now) + SKEW.as_secs_f64());
    // Written so that what is not a number fails.
    let is_alive = claims.exp > early;
    let has_begun = [claims.iat, claims.nbf].into_iter().flatten().all(|begin| begin <= late);
    if !is_alive || !has_begun {
        return Err(ForgeError::new(
            Fault::Protocol,
            "the identity token has lapsed or is from the future",
            "check the clocks of this machine and of the provider, then begin again",
        ));
    }
    claims.profile.checked()
}

fn refuse(why: &str) -> ForgeError {
    ForgeError::new(
        Fault::Protocol,
        format!("the identity token {why}"),
        "begin again; if it happens again, the provider's settings or ours name the wrong application or address",
    )
}
