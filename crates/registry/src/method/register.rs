//! `register` and `report`: a kite says where it is, and how many calls it answered.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;

use domain::{KiteVia, WorkspaceId};
use kite::{Error, Functions, Kite, Peer, Request};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::authority::{Authority, Person, authority, full_person};
use crate::book::{Conflict, Proof};
use crate::connection::{Line, Session};
use crate::entry::{Entry, Place};
use crate::errors::{not_found, too_many};
use crate::field::{AGENT_ENVIRONMENT, AGENT_NAME, Unsound, check, check_service, check_url, field_of};
use crate::policy::KeyOrder;
use crate::registry::Registry;
use crate::storage::Registration;
use crate::tokens::Sent;

/// What a kite asks for: `{"url": …}`, or the bare address as kite.js sends it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    Object {
        #[serde(default)]
        url: String,
    },
    Address(String),
}

/// What it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registered {
    /// Where callers are told to dial it.
    pub(crate) url: String,
    /// Seconds between the heartbeats that are expected over HTTP; 0 where they are asked for over the socket.
    pub(crate) heartbeat_interval: i64,
    /// The registry's public key, if the kite knows another.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// A kite key to use from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    kite_key: Option<Sent>,
}

#[derive(Deserialize)]
struct Counts {
    calls: u64,
    errors: u64,
}

impl From<Unsound> for Error {
    fn from(unsound: Unsound) -> Self {
        Self::argument(unsound.to_string())
    }
}

impl Registry {
    pub(crate) async fn register(self, request: Request) -> Result<Registered, Error> {
        let kite = request.caller().kite.clone();
        if let Authority::Seat(workspace) = *authority(&request)? {
            return self.register_agent(workspace, kite, request.peer()).await;
        }
        let person = full_person(&request)?;
        let (Wish::Object { url } | Wish::Address(url)) = request.arg::<Wish>().map_err(|_| {
            Error::argument("register takes one argument: {\"url\": the address that callers dial}")
        })?;
        let entry = self.describe(person, kite, url, KiteVia::Socket)?;
        let (id, generation, url) = (entry.kite.id.clone(), entry.generation, entry.url.clone());
        let beats = Functions::new();
        let beat = {
            let (weak, id) = (self.downgrade(), id.clone());
            beats.add(move |_| {
                if let Some(registry) = weak.upgrade() {
                    registry.beat(&id, generation);
                }
                std::future::ready(())
            })
        };
        let line = Line {
            generation,
            peer: Some(request.peer().clone()),
            address: None,
            heartbeat: Some(beats),
            task: None,
        };
        self.admit(entry, Proof::Heartbeats, Some(line))?;
        self.judge_outdated(person);
        if let Some(session) = request.context().get::<Session>()
            && let Some(was) = session.becomes(Registration { id: id.clone(), generation })
        {
            self.change(|state| state.book.end(&was.id, was.generation));
        }
        let seconds = self.inner.settings.heartbeat.as_secs().max(1);
        let mut asked = Box::pin(request.peer().request("kite.heartbeat").args((seconds, beat)).send::<()>());
        // Polled here, it is sent before the answer, as clients of the original expect. What it is answered does
        // not matter: the first beat does.
        let is_sent = futures_util::poll!(&mut asked);
        let peer = request.peer().clone();
        self.follow_line(&id, generation, async move {
            if is_sent == Poll::Pending {
                asked.await.ok();
            }
            peer.closed().await;
        });
        self.answer(person, url, 0).await
    }

    /// An agent registers the kite of its workspace. All it says itself is its version.
    async fn register_agent(
        &self,
        workspace: WorkspaceId,
        said: Kite,
        peer: &Peer,
    ) -> Result<Registered, Error> {
        let epoch = self.epoch();
        let seat = self.inner.policy.seat(workspace).await?;
        let settings = &self.inner.settings;
        let kite = Kite {
            id: workspace.to_string(),
            username: field_of(&seat.username),
            environment: AGENT_ENVIRONMENT.to_owned(),
            name: AGENT_NAME.to_owned(),
            version: said.version,
            region: settings.region.clone(),
            hostname: field_of(&seat.hostname),
        };
        check(&kite)?;
        let entry = Entry {
            url: format!("{}/{}", settings.relay_url, kite.id),
            owner: seat.owner,
            place: Place::Workspace { id: workspace, team: seat.team },
            via: KiteVia::Agent,
            credential: String::new(),
            key: self.signing_key()?.id().to_owned(),
            ..self.blank(kite)
        };
        let (id, generation, url) = (entry.kite.id.clone(), entry.generation, entry.url.clone());
        let peer = peer.clone();
        let line = Line { generation, peer: Some(peer.clone()), address: None, heartbeat: None, task: None };
        self.admit(entry, Proof::Connection, Some(line))?;
        self.follow_line(&id, generation, async move { peer.closed().await });
        if self.epoch() != epoch {
            // Perhaps it was renamed or deleted after it was looked up, and before it could be found here.
            self.judge_seat(workspace);
        }
        Ok(Registered { url, heartbeat_interval: 0, public_key: None, kite_key: None })
    }

    /// Registers over HTTP.
    pub(crate) async fn register_person(
        &self,
        person: &Arc<Person>,
        kite: Kite,
        url: String,
        address: Option<IpAddr>,
    ) -> Result<Registered, Error> {
        let entry = self.describe(person, kite, url, KiteVia::Http)?;
        let (generation, url) = (entry.generation, entry.url.clone());
        let line = Line { generation, peer: None, address, heartbeat: None, task: None };
        self.admit(entry, Proof::Heartbeats, Some(line))?;
        self.judge_outdated(person);
        self.answer(person, url, self.inner.settings.heartbeat.as_secs()).await
    }

    /// The entry of somebody's service.
    fn describe(&self, person: &Person, kite: Kite, url: String, via: KiteVia) -> Result<Entry, Error> {
        let principal = &person.principal;
        let kite = Kite { username: field_of(&principal.username), ..kite };
        check_url(&url)?;
        check_service(&kite)?;
        let key = match &person.key {
            Some(key) => key.signed_by.clone(),
            None => self.signing_key()?.id().to_owned(),
        };
        Ok(Entry {
            url,
            owner: principal.user,
            place: Place::Service { team: principal.team },
            via,
            credential: principal.credential.clone(),
            key,
            ..self.blank(kite)
        })
    }

    /// A registration that begins now; whose and where is for others to say.
    fn blank(&self, kite: Kite) -> Entry {
        let now = self.now();
        let mut bytes = [0; 8];
        self.inner.outside.entropy.fill(&mut bytes);
        Entry {
            kite,
            url: String::new(),
            owner: domain::UserId::NIL,
            place: Place::Service { team: None },
            via: KiteVia::Socket,
            credential: String::new(),
            key: String::new(),
            // Databases have signed integers of 64 bits.
            generation: u64::from_le_bytes(bytes) >> 1,
            registered_at: now,
            seen_at: now,
            connected: true,
            server: self.inner.settings.server.clone(),
            calls: None,
            errors: None,
            tokens: 0,
        }
    }

    fn admit(&self, entry: Entry, proof: Proof, line: Option<Line>) -> Result<(), Error> {
        let id = entry.kite.id.clone();
        let outcome = self.change(|state| {
            state.book.admit(entry, proof, Instant::now())?;
            // The line of the registration that this one replaces is dropped after the lock.
            Ok(line.and_then(|line| state.lines.insert(id, line)))
        });
        match outcome {
            Ok(_replaced) => Ok(()),
            Err(Conflict::Taken) => {
                Err(Error::argument("the kite's field `id` cannot be used; take a fresh random one (a UUID)"))
            }
            Err(Conflict::TooMany) => Err(too_many(
                "there are too many registered kites already; stop some, or ask the administrator",
            )),
        }
    }

    /// Ends the registration when `end` resolves.
    fn follow_line(&self, id: &str, generation: u64, end: impl Future<Output = ()> + Send + 'static) {
        let weak = self.downgrade();
        let task = tokio::spawn({
            let id = id.to_owned();
            async move {
                end.await;
                if let Some(registry) = weak.upgrade() {
                    registry.line_ended(&id, generation);
                }
            }
        });
        let mut state = self.state();
        match state.lines.get_mut(id).filter(|line| line.generation == generation) {
            Some(line) => line.task = Some(task.abort_handle()),
            // It has ended, or another took its place.
            None => task.abort(),
        }
    }

    fn line_ended(&self, id: &str, generation: u64) {
        // When the server stops, everything is to come back.
        if !self.is_stopping() {
            self.change(|state| state.book.end(id, generation));
        }
    }

    fn beat(&self, id: &str, generation: u64) {
        let at = self.now();
        self.change(|state| state.book.beat(id, Some(generation), Instant::now(), at));
    }

    async fn answer(
        &self,
        person: &Person,
        url: String,
        heartbeat_interval: i64,
    ) -> Result<Registered, Error> {
        let mut answer = Registered { url, heartbeat_interval, public_key: None, kite_key: None };
        let Some(key) = &person.key else { return Ok(answer) };
        let current = self.signing_key()?;
        if key.signed_by != current.id() {
            answer.public_key = Some(current.public().to_pem().to_owned());
        }
        let half = key.issued_at.checked_add(key.expires_at.duration_since(key.issued_at) / 2);
        if answer.public_key.is_some() || half.is_ok_and(|half| self.now() >= half) {
            answer.kite_key = match self.inner.policy.issue_key(&person.principal, KeyOrder::Renewal).await {
                Ok(issued) => Some(Sent(self.sign_kite_key(&issued)?)),
                // The old one is good for a while, and the next registration asks again.
                Err(refused) => {
                    tracing::warn!(%refused, "a kite key that is due for a new one does not get it");
                    None
                }
            };
        }
        Ok(answer)
    }

    /// A kite's own counts. From an agent about its workspace's kite, from a person about their kite of the id that
    /// the call itself says.
    pub(crate) fn report(&self, request: &Request) -> Result<bool, Error> {
        let counts: Counts = request.arg()?;
        let id = match authority(request)? {
            Authority::Seat(workspace) => workspace.to_string(),
            Authority::Person(_) => request.caller().kite.id.clone(),
        };
        let owner = match authority(request)? {
            Authority::Seat(_) => None,
            Authority::Person(_) => Some(full_person(request)?.principal.user),
        };
        let is_known = self.change(|state| {
            let entry = state.book.index.get(&id);
            let is_theirs = entry.is_some_and(|entry| {
                owner.is_none_or(|owner| entry.owner == owner && entry.workspace().is_none())
            });
            if is_theirs {
                state.book.report(&id, counts.calls, counts.errors);
            }
            is_theirs
        });
        if is_known { Ok(true) } else { Err(not_found("this kite is not registered; register first")) }
    }
}
