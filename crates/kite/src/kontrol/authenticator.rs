//! Verifying who calls a kite, by the tokens of its registry.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::digest;

use super::Now;
use super::registry_keys::RegistryKeys;
use crate::error::clip;
use crate::token::{Expected, LEEWAY, Refusal, TokenClaims};
use crate::{Authenticator, Claim, Error, Kite, Verified};

/// So many verdicts are kept, of some 150 bytes each.
const MAX_VERDICTS: usize = 4096;

/// Takes calls with a token that the registry signed for this one kite, and no others.
///
/// A kite key is refused, although it would prove the same: it is good for weeks and at the registry, and a kite
/// that were given one could keep it. Verdicts are kept by the token's hash until the token ends or its key is
/// given up, so that a call costs a hash.
pub struct TokenAuthenticator {
    issuer: String,
    audience: String,
    keys: RegistryKeys,
    now: Now,
    verdicts: Mutex<HashMap<[u8; 32], Verdict>>,
}

struct Verdict {
    username: String,
    /// The key that signed.
    key: String,
    expires_at_s: i64,
}

impl TokenAuthenticator {
    /// Verifies calls of `kite`, by the tokens of the registry that calls itself `issuer`.
    ///
    /// All seven fields of the kite must be what the registry knows it by; it takes the `username` from the kite
    /// key ([`super::KiteKey::username`]).
    pub fn new(issuer: impl Into<String>, kite: &Kite, keys: RegistryKeys, now: Now) -> Self {
        let (issuer, audience) = (issuer.into(), kite.path());
        Self { issuer, audience, keys, now, verdicts: Mutex::default() }
    }

    async fn verify(&self, text: &str) -> Result<String, Refusal> {
        let hash = hash(text);
        if let Some(username) = self.known(&hash) {
            return Ok(username);
        }
        let mut verified = self.keys.get().verify::<TokenClaims>(text, &self.expected());
        if matches!(verified, Err(Refusal::UnknownKey)) {
            self.keys.refresh().await;
            verified = self.keys.get().verify(text, &self.expected());
        }
        let verified = verified?;
        let expires_at_s = verified.claims.expires_at.as_second();
        let username = verified.claims.subject;
        self.keep(hash, Verdict { username: username.clone(), key: verified.key, expires_at_s });
        Ok(username)
    }

    fn expected(&self) -> Expected<'_> {
        Expected { issuer: &self.issuer, audience: &self.audience, now: (self.now)() }
    }

    fn known(&self, hash: &[u8; 32]) -> Option<String> {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = verdicts.get(hash)?;
        let is_good = !self.is_over(verdict) && self.keys.get().get(&verdict.key).is_some();
        is_good.then(|| verdict.username.clone())
    }

    fn keep(&self, hash: [u8; 32], verdict: Verdict) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.len() >= MAX_VERDICTS {
            verdicts.retain(|_, verdict| !self.is_over(verdict));
        }
        if verdicts.len() >= MAX_VERDICTS {
            // Verifying again costs less than an order to throw them away in.
            verdicts.clear();
        }
        verdicts.insert(hash, verdict);
    }

    fn is_over(&self, verdict: &Verdict) -> bool {
        verdict.expires_at_s.saturating_add(LEEWAY.as_secs()) <= (self.now)().as_second()
    }
}

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let Some(authentication) = claim.authentication else {
            return Err(Error::authentication("No authentication information is provided"));
        };
        match authentication.kind() {
            "token" => match self.verify(authentication.expose()).await {
                Ok(username) => Ok(Verified::user(username)),
                Err(refusal) => {
                    tracing::debug!(method = claim.method, %refusal, "a token was refused");
                    Err(refusal.into())
                }
            },
            "kiteKey" => Err(Error::authentication(
                "kite keys are good at the registry only; get a token for this kite there and present that",
            )),
            other => Err(Error::authentication(format!("Unknown authentication type: {}", clip(other)))),
        }
    }
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    hash
}
