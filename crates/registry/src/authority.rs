//! Who calls: credentials are verified once and remembered for half a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Timestamp, UserId, WorkspaceId};
use kite::token::{Expected, KiteKeyClaims, MAX_BYTES};
use kite::{Authenticator, Claim, Error, Request, Verified};
use tokio::time::Instant;
use vault::{Secret, TokenHash};

use crate::connection::{AgentSeat, Origin, Session};
use crate::errors::not_allowed;
use crate::field::field_of;
use crate::policy::{Credential, Principal, Reach, Refused, Viewer};
use crate::registry::{Registry, WeakRegistry};

/// How long an answer of the policy is good. [`Registry::rights_changed`] ends it at once.
const REMEMBERED: Duration = Duration::from_secs(30);
/// Most credentials remembered.
const MAX_REMEMBERED: usize = 20_000;
/// How often it is asked again because rights changed while it was being answered.
const TRIES: usize = 3;
/// What API tokens begin with.
const API_TOKEN: &str = "hearth_";

/// Who calls a method.
#[derive(Clone)]
pub(crate) enum Authority {
    /// The agent of this workspace.
    Seat(WorkspaceId),
    /// Somebody with a kite key or an API token.
    Person(Arc<Person>),
}

/// An authenticated person, and what they may, as it was a moment ago.
pub(crate) struct Person {
    pub(crate) principal: Principal,
    pub(crate) viewer: Arc<dyn Viewer>,
    /// The kite key, if it was one.
    pub(crate) key: Option<KeyFacts>,
    /// How often rights had changed when this was known to be right.
    epoch: AtomicU64,
}

/// What decides whether a kite key is due for a new one.
pub(crate) struct KeyFacts {
    /// Which of the registry's keys signed it.
    pub(crate) signed_by: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Whom the credentials named that came lately, by their hashes.
#[derive(Default)]
pub(crate) struct Remembered {
    people: HashMap<TokenHash, (Arc<Person>, Instant)>,
    /// How often rights changed.
    epoch: u64,
}

impl Remembered {
    /// Forgets somebody, or everybody, and whatever is being found out at this moment.
    pub(crate) fn forget(&mut self, user: Option<UserId>) {
        self.epoch = self.epoch.wrapping_add(1);
        self.people.retain(|_, (person, _)| user.is_some_and(|user| user != person.principal.user));
        // Whoever is left is not concerned.
        self.people.values().for_each(|(person, _)| person.epoch.store(self.epoch, Ordering::Relaxed));
    }

    fn get(&self, hash: &TokenHash, now: Instant) -> Option<Arc<Person>> {
        self.people.get(hash).filter(|(_, until)| now < *until).map(|(person, _)| person.clone())
    }

    fn put(&mut self, hash: TokenHash, person: Arc<Person>, now: Instant) {
        if self.people.len() >= MAX_REMEMBERED {
            self.people.retain(|_, (_, until)| now < *until);
        }
        if self.people.len() < MAX_REMEMBERED {
            self.people.insert(hash, (person, now + REMEMBERED));
        }
    }
}

/// Who called this.
pub(crate) fn authority(request: &Request) -> Result<&Authority, Error> {
    let authority = request.caller().authority::<Authority>();
    authority.ok_or_else(|| Error::authentication(NO_AUTHENTICATION))
}

/// The person that called this; an agent is none.
pub(crate) fn person(request: &Request) -> Result<&Arc<Person>, Error> {
    match authority(request)? {
        Authority::Person(person) => Ok(person),
        Authority::Seat(_) => Err(not_allowed(ONLY_FOR_PEOPLE)),
    }
}

/// The person that called this, with a credential that is good for everything.
pub(crate) fn full_person(request: &Request) -> Result<&Arc<Person>, Error> {
    let person = person(request)?;
    match person.principal.reach {
        Reach::Full => Ok(person),
        Reach::Limited => Err(Refused::LacksScope.into()),
    }
}

/// What an agent may call, of the methods that are not open to everybody.
const OF_AGENTS: [&str; 2] = ["register", "report"];
const ONLY_FOR_PEOPLE: &str =
    "a workspace's agent may only register and report; use a kite key or an API token for this";
const NO_AUTHENTICATION: &str = "No authentication information is provided";

/// The credentials that callers may present to the registry.
enum Presented<'a> {
    KiteKey(&'a str),
    ApiToken(&'a str),
}

impl Registry {
    async fn judge_claim(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        if let Some(seat) = claim.context.get::<AgentSeat>() {
            // Whatever runs in the workspace may call on this connection, and must not reach what is added later.
            if !OF_AGENTS.contains(&claim.method) {
                return Err(not_allowed(ONLY_FOR_PEOPLE));
            }
            // Its own name and not the owner's: rates are counted by it.
            let name = seat.workspace.to_string();
            return Ok(Verified::user(name).with(Authority::Seat(seat.workspace)));
        }
        let origin = claim.context.get::<Origin>();
        let presented = match claim.authentication {
            Some(given) => match given.kind() {
                "kiteKey" => Presented::KiteKey(given.expose()),
                "token" if given.expose().starts_with(API_TOKEN) => Presented::ApiToken(given.expose()),
                "token" => {
                    return Err(Error::authentication(
                        "a token for a kite is not good at the registry; use a kite key or an API token",
                    ));
                }
                other => {
                    let other: String = other.chars().take(64).collect();
                    return Err(Error::authentication(format!("Unknown authentication type: {other}")));
                }
            },
            None => match origin.and_then(|origin| origin.bearer.as_ref()) {
                Some(bearer) if bearer.expose().starts_with(API_TOKEN) => {
                    Presented::ApiToken(bearer.expose())
                }
                Some(bearer) => Presented::KiteKey(bearer.expose()),
                None => return Err(Error::authentication(NO_AUTHENTICATION)),
            },
        };
        let address = origin.and_then(|origin| origin.address);
        let person = self.who(&presented, address).await?;
        if let Some(session) = claim.context.get::<Session>() {
            session.authenticated();
        }
        Ok(Verified::user(field_of(&person.principal.username)).with(Authority::Person(person)))
    }

    /// Who presents this kite key.
    pub(crate) async fn who_has_key(
        &self,
        text: &str,
        address: Option<IpAddr>,
    ) -> Result<Arc<Person>, Error> {
        self.who(&Presented::KiteKey(text), address).await
    }

    async fn who(&self, presented: &Presented<'_>, address: Option<IpAddr>) -> Result<Arc<Person>, Error> {
        let (Presented::KiteKey(text) | Presented::ApiToken(text)) = *presented;
        if text.len() > MAX_BYTES {
            return Err(Refused::NotGood.into());
        }
        let hash = TokenHash::of(text);
        let (known, mut epoch) = {
            let remembered = self.inner.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            (remembered.get(&hash, Instant::now()), remembered.epoch)
        };
        // A kite key may end while it is remembered.
        if let Some(person) = known
            && person.key.as_ref().is_none_or(|key| self.now() < key.expires_at)
        {
            return Ok(person);
        }
        if !self.limits().failures.is_open(address, Instant::now()) {
            return Err(Error::rate_limited());
        }
        for _ in 0..TRIES {
            let person = self.find_out(presented, address, epoch).await.inspect_err(|error| {
                if error.is(kite::error::kind::AUTHENTICATION) {
                    self.limits().failures.take(address, Instant::now());
                }
            })?;
            let person = Arc::new(person);
            let mut remembered = self.inner.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.epoch == epoch {
                remembered.put(hash, person.clone(), Instant::now());
                return Ok(person);
            }
            epoch = remembered.epoch;
        }
        // Rights change all the time. What is known now is not remembered, and whatever it is used for that lasts is
        // judged again.
        Ok(Arc::new(self.find_out(presented, address, epoch).await?))
    }

    /// Whether rights changed since it was asked who this is. What was made of it and lasts has to be judged again
    /// then: the change may have been dealt with before it was there.
    pub(crate) fn is_outdated(&self, person: &Person) -> bool {
        self.epoch() != person.epoch.load(Ordering::Relaxed)
    }

    /// How often rights changed.
    pub(crate) fn epoch(&self) -> u64 {
        self.inner.remembered.lock().unwrap_or_else(PoisonError::into_inner).epoch
    }

    async fn find_out(
        &self,
        presented: &Presented<'_>,
        address: Option<IpAddr>,
        epoch: u64,
    ) -> Result<Person, Error> {
        let (credential, key) = match presented {
            Presented::KiteKey(text) => {
                let expected = Expected {
                    issuer: &self.inner.settings.issuer,
                    audience: &self.inner.settings.url,
                    now: self.now(),
                };
                let verified =
                    self.key_set().verify::<KiteKeyClaims>(text, &expected).map_err(|refusal| {
                        tracing::debug!(%refusal, "a kite key is refused");
                        Error::authentication(format!("kiteKey: {}", refusal.public()))
                    })?;
                let facts = KeyFacts {
                    signed_by: verified.key,
                    issued_at: verified.claims.issued_at,
                    expires_at: verified.claims.expires_at,
                };
                (Credential::KiteKey(verified.claims), Some(facts))
            }
            Presented::ApiToken(text) => (Credential::ApiToken(Secret::new((*text).to_owned())), None),
        };
        let principal = self.inner.policy.authenticate(credential, address).await?;
        let viewer = self.inner.policy.viewer(&principal).await?;
        Ok(Person { principal, viewer, key, epoch: AtomicU64::new(epoch) })
    }
}

/// Authenticates calls for a registry that may be gone.
pub(crate) struct Door(pub(crate) WeakRegistry);

#[async_trait]
impl Authenticator for Door {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let registry = self.0.upgrade().ok_or_else(Error::disconnected)?;
        registry.judge_claim(claim).await
    }
}
