//! Tokens: signed for one caller and one kite, and handed out again until half their life is over.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};

use domain::{Entropy, SignedDuration, Timestamp, UserId};
use kite::Error;
use kite::token::{Expected, MAX_TOKEN_LIFE, Refusal, TokenClaims, TokenText};
use serde::{Serialize, Serializer};

use crate::entry::Entry;
use crate::field::field_of;
use crate::policy::Principal;
use crate::registry::Registry;

/// How much earlier than now tokens begin, for clocks that are behind.
const LEEWAY: SignedDuration = SignedDuration::from_mins(1);
/// Most tokens kept, each about a kilobyte.
const MAX_TOKENS: usize = 20_000;
/// Up to so many are signed where they are needed: together less than the half a millisecond or so that each
/// takes, times four. More go to a thread that may block.
const SIGNED_AT_ONCE: usize = 4;

/// A signed token.
#[derive(Clone)]
pub struct IssuedToken {
    /// Its text.
    pub token: TokenText,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token or kite key on its way to whom it is for: the only one that is serialised.
pub(crate) struct Sent(pub(crate) TokenText);

impl Serialize for Sent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

/// Whether a kept token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// One that has more than half its life left.
    Kept,
    /// None: it must be a new one.
    New,
}

/// Kept tokens.
#[derive(Default)]
pub(crate) struct TokenCache {
    tokens: HashMap<For, Kept>,
    /// The keys in the order they came; the oldest goes when there are too many.
    order: VecDeque<For>,
}

/// Who calls what with a token. A token names the credential that it was asked for with, and ends with it where
/// anybody looks: it is given for no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct For {
    user: UserId,
    credential: String,
    /// The kite's id.
    kite: String,
}

struct Kept {
    issued: IssuedToken,
    subject: String,
    audience: String,
    key: String,
    renew_at: Timestamp,
}

impl TokenCache {
    fn get(&self, wanted: &Wanted, key: &str, now: Timestamp) -> Option<IssuedToken> {
        let kept = self.tokens.get(&wanted.purpose)?;
        let is_right = kept.key == key
            && kept.audience == wanted.audience
            && kept.subject == wanted.subject
            && now < kept.renew_at;
        is_right.then(|| kept.issued.clone())
    }

    fn put(&mut self, purpose: For, kept: Kept) {
        if self.tokens.insert(purpose.clone(), kept).is_some() {
            return;
        }
        self.order.push_back(purpose);
        while self.tokens.len() > MAX_TOKENS {
            let Some(oldest) = self.order.pop_front() else { return };
            self.tokens.remove(&oldest);
        }
    }

    /// Forgets one caller's tokens, or everybody's.
    pub(crate) fn forget(&mut self, user: Option<UserId>) {
        let goes = |purpose: &For| user.is_none_or(|user| user == purpose.user);
        self.tokens.retain(|purpose, _| !goes(purpose));
        self.order.retain(|purpose| !goes(purpose));
    }
}

/// A token that is needed.
struct Wanted {
    purpose: For,
    subject: String,
    audience: String,
}

impl Registry {
    /// Tokens for calling these kites, in their order. Whoever asks has decided that the principal may.
    pub(crate) async fn issue(
        &self,
        principal: &Principal,
        entries: &[Arc<Entry>],
        freshness: Freshness,
    ) -> Result<Vec<IssuedToken>, Error> {
        let key = self.signing_key()?;
        let now = self.now();
        let subject = field_of(&principal.username);
        let wanted = entries.iter().map(|entry| Wanted {
            purpose: For {
                user: principal.user,
                credential: principal.credential.clone(),
                kite: entry.kite.id.clone(),
            },
            subject: subject.clone(),
            audience: entry.kite.path(),
        });
        let mut answers: Vec<Option<IssuedToken>> = Vec::with_capacity(entries.len());
        let mut missing = Vec::new();
        {
            let cache = self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            for wanted in wanted {
                let kept =
                    (freshness == Freshness::Kept).then(|| cache.get(&wanted, key.id(), now)).flatten();
                if kept.is_none() {
                    missing.push((answers.len(), self.claims(&wanted, now), wanted.purpose));
                }
                answers.push(kept);
            }
        }
        let texts = self.sign_all(missing.iter().map(|(_, claims, _)| claims.clone()).collect()).await?;
        let mut signed = Vec::with_capacity(texts.len());
        {
            let mut cache = self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            for ((at, claims, purpose), token) in missing.into_iter().zip(texts) {
                let issued = IssuedToken { token, expires_at: claims.expires_at };
                let half = claims.expires_at.duration_since(now) / 2;
                let kept = Kept {
                    issued: issued.clone(),
                    subject: claims.subject,
                    audience: claims.audience,
                    key: key.id().to_owned(),
                    renew_at: now.checked_add(half).unwrap_or(now),
                };
                signed.push(purpose.kite.clone());
                cache.put(purpose, kept);
                if let Some(answer) = answers.get_mut(at) {
                    *answer = Some(issued);
                }
            }
        }
        if !signed.is_empty() {
            self.change(|state| signed.iter().for_each(|id| state.book.count_token(id)));
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Verifies a token that was good for calling a kite again: whether the key that signed it is still one of the
    /// registry's, and whether its time is over. Not whether the kite is called as it was then.
    ///
    /// # Errors
    ///
    /// Why it is not good any more.
    pub fn check_token_again(&self, text: &str, claims: &TokenClaims) -> Result<(), Refusal> {
        let settings = &self.inner.settings;
        let expected = Expected { issuer: &settings.issuer, audience: &claims.audience, now: self.now() };
        self.key_set().verify::<TokenClaims>(text, &expected).map(drop)
    }

    fn claims(&self, wanted: &Wanted, now: Timestamp) -> TokenClaims {
        let begin = now.checked_sub(LEEWAY).unwrap_or(now);
        let life = self.inner.settings.token_life.min(MAX_TOKEN_LIFE - LEEWAY);
        TokenClaims {
            issuer: self.inner.settings.issuer.clone(),
            subject: wanted.subject.clone(),
            audience: wanted.audience.clone(),
            issued_at: begin,
            not_before: begin,
            expires_at: now.checked_add(life).unwrap_or(now),
            id: random_hex::<16>(self.inner.outside.entropy.as_ref()),
            credential: Some(wanted.purpose.credential.clone()).filter(|credential| !credential.is_empty()),
        }
    }

    /// Signs all of them, in their order.
    async fn sign_all(&self, claims: Vec<TokenClaims>) -> Result<Vec<TokenText>, Error> {
        let key = self.signing_key()?;
        let is_few = claims.len() <= SIGNED_AT_ONCE;
        let sign = move || claims.iter().map(|claims| key.sign(claims)).collect::<Result<Vec<_>, _>>();
        let signed = if is_few {
            sign()
        } else {
            let Ok(_permit) = self.inner.signers.acquire().await else { return Err(Error::disconnected()) };
            tokio::task::spawn_blocking(sign).await.map_err(|_| Error::disconnected())?
        };
        signed.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot sign a token");
            Error::generic("cannot sign a token now; try again, and tell the administrator if it stays so")
        })
    }
}

/// Random bytes as hexadecimal digits.
pub(crate) fn random_hex<const BYTES: usize>(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; BYTES];
    entropy.fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(BYTES * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _fits = write!(text, "{byte:02x}");
        text
    })
}
