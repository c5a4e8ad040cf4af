//! The registry itself: what it holds, and what others ask of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use domain::{KiteAction, KiteVia, SignedDuration, Timestamp, UserId, WorkspaceId};
use kite::token::{
    Expected, KeySet, KiteKeyClaims, MAX_KITE_KEY_LIFE, Refusal, SigningKey, TokenClaims, TokenText,
};
use kite::{Error, Peer, Service};
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::authority::Remembered;
use crate::book::Book;
use crate::connection::Line;
use crate::entry::{Change, Entry};
use crate::errors::not_allowed;
use crate::pace::Pace;
use crate::policy::{IssuedKey, Policy, Principal, Refused, Viewer};
use crate::query::Query;
use crate::renewal::SentAway;
use crate::settings::{Keys, Outside, Settings};
use crate::storage::{Storage, StorageError};
use crate::tokens::{Freshness, IssuedToken, TokenCache};
use crate::upkeep::Wanted;
use crate::watchers::Watchers;

/// How many changes a listener may be behind before it has to list anew.
const CHANGES: usize = 4096;
/// How many calls may have tokens signed on other threads at the same time: signing is all processor.
const SIGNERS: usize = 2;
/// How many people may be typing a password for `registerMachine`.
const TYPING: usize = 100;

/// Whose rights, names or existence changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// A person's: suspended, renamed, in or out of a team, something shared or not any more, a key or token revoked.
    User(UserId),
    /// A workspace's: renamed, moved to another owner or team, deleted.
    Workspace(WorkspaceId),
    /// Nobody knows.
    Everybody,
}

/// Kontrol. Cheap to clone; connections hold it weakly.
#[derive(Clone)]
pub struct Registry {
    pub(crate) inner: Arc<Inner>,
}

/// A registry that may be gone.
#[derive(Clone)]
pub(crate) struct WeakRegistry(Weak<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) outside: Outside,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) service: OnceLock<Service>,
    pub(crate) remembered: Mutex<Remembered>,
    pub(crate) tokens: Mutex<TokenCache>,
    pub(crate) signers: Semaphore,
    pub(crate) typing: Semaphore,
    pub(crate) wanted: Mutex<Wanted>,
    /// Something has to be written.
    pub(crate) to_write: Notify,
    /// Something is in `wanted`.
    pub(crate) to_judge: Notify,
    /// Another server has written.
    pub(crate) to_compare: Notify,
    /// Cancelled when the server stops: what ends from then on is to come back.
    pub(crate) stop: OnceLock<CancellationToken>,
    keys: RwLock<Option<KeyRing>>,
    state: Mutex<State>,
    limits: Mutex<Limits>,
    changes: broadcast::Sender<Change>,
}

/// Everything that changes together. Never locked for longer than one look through it, and nothing waits meanwhile.
pub(crate) struct State {
    pub(crate) book: Book,
    /// By the kite's id.
    pub(crate) lines: HashMap<String, Line>,
    pub(crate) watchers: Watchers,
    pub(crate) sent_away: SentAway,
}

impl State {
    /// The connection that a service is registered on. An agent's is not only the registry's, and never closed here.
    pub(crate) fn connection_of(&self, entry: &Entry) -> Option<Peer> {
        let line = self.lines.get(&entry.kite.id).filter(|line| line.generation == entry.generation)?;
        line.peer.clone().filter(|_| entry.via != KiteVia::Agent)
    }
}

/// What one address may try. Of whoever has none, or this machine's own, nothing is known: behind a proxy that
/// is everybody, and one of them must not use up what all the others have.
pub(crate) struct Limits {
    /// Credentials that were wrong.
    pub(crate) failures: Pace,
    /// `registerMachine`.
    pub(crate) machines: Pace,
    /// Registrations over HTTP; the original's 200 a minute and 300 at once.
    pub(crate) registers: Pace,
    /// Heartbeats over HTTP: of 10 000 kites behind one address.
    pub(crate) beats: Pace,
}

struct KeyRing {
    current: Arc<SigningKey>,
    all: KeySet,
}

impl WeakRegistry {
    pub(crate) fn upgrade(&self) -> Option<Registry> {
        self.0.upgrade().map(|inner| Registry { inner })
    }
}

impl Registry {
    /// A registry without keys and kites: [`Registry::set_keys`], then [`Registry::load`], then [`Registry::run`].
    pub fn new(
        settings: Settings,
        outside: Outside,
        policy: Arc<dyn Policy>,
        storage: Arc<dyn Storage>,
    ) -> Self {
        let silence = to_std(settings.heartbeat).saturating_mul(3);
        let book = Book::new(settings.server.clone(), silence, to_std(settings.restart_grace));
        let inner = Inner {
            settings,
            outside,
            policy,
            storage,
            service: OnceLock::new(),
            remembered: Mutex::default(),
            tokens: Mutex::default(),
            signers: Semaphore::new(SIGNERS),
            typing: Semaphore::new(TYPING),
            wanted: Mutex::default(),
            to_write: Notify::new(),
            to_judge: Notify::new(),
            to_compare: Notify::new(),
            stop: OnceLock::new(),
            keys: RwLock::new(None),
            state: Mutex::new(State {
                book,
                lines: HashMap::new(),
                watchers: Watchers::default(),
                sent_away: SentAway::default(),
            }),
            limits: Mutex::new(Limits {
                failures: Pace::new(100, 1.0),
                machines: Pace::new(10, 0.1),
                registers: Pace::new(300, 200.0 / 60.0),
                beats: Pace::new(2000, 1000.0),
            }),
            changes: broadcast::Sender::new(CHANGES),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Takes other keys from now on: what is signed is signed with the current one. What retired keys signed is
    /// good until they are left out here.
    pub fn set_keys(&self, keys: Keys) {
        let all = KeySet::new(keys.retired).with(keys.current.public().clone());
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) =
            Some(KeyRing { current: keys.current, all });
        // Kite keys of a key that was left out are not good any more, and remembered ones are not either.
        self.rights_changed(Whose::Everybody);
    }

    /// Reads the stored registrations, once, before connections are accepted. Those of this server are listed as
    /// not connected, and go if they do not come back in time.
    ///
    /// # Errors
    ///
    /// If storage cannot be read.
    pub async fn load(&self) -> Result<(), StorageError> {
        let rows = self.inner.storage.load().await?;
        let at = self.now();
        self.change(|state| state.book.restore(rows, Instant::now(), at));
        Ok(())
    }

    /// What matches the query (everything without one) and the viewer may see, by user name, environment, name
    /// and id.
    pub fn list(&self, query: Option<&Query>, viewer: &dyn Viewer) -> Vec<Arc<Entry>> {
        let mut entries = self.state().book.index.select(query, viewer, KiteAction::See);
        entries.sort_unstable_by(|a, b| place_in_list(a).cmp(&place_in_list(b)));
        entries
    }

    /// The kite of this id, whoever may see it.
    pub fn get(&self, id: &str) -> Option<Arc<Entry>> {
        self.state().book.index.get(id).cloned()
    }

    /// A token for calling the kite as it is registered now.
    ///
    /// # Errors
    ///
    /// `notAllowed` if the viewer may not call it; `unavailable` without keys.
    pub async fn token_for(
        &self,
        principal: &Principal,
        viewer: &dyn Viewer,
        entry: &Arc<Entry>,
    ) -> Result<IssuedToken, Error> {
        if !viewer.may(KiteAction::Call, entry) {
            return Err(not_allowed("only its owner, and whomever it is shared with, may call this kite"));
        }
        let issued = self.issue(principal, std::slice::from_ref(entry), Freshness::Kept).await?;
        issued.into_iter().next().ok_or_else(|| Refused::Unavailable.into())
    }

    /// Verifies a token that somebody presented for calling the kite of this id, as it is registered now. Its
    /// subject is the caller's user name as [`crate::field_of`] writes it. Whether they still may is not looked at.
    ///
    /// # Errors
    ///
    /// Why it is refused; [`Refusal::Audience`] too if there is no such kite.
    pub fn check_token(&self, text: &str, id: &str) -> Result<TokenClaims, Refusal> {
        let audience = self.get(id).ok_or(Refusal::Audience)?.kite.path();
        let expected = Expected { issuer: &self.inner.settings.issuer, audience: &audience, now: self.now() };
        self.key_set().verify(text, &expected).map(|verified| verified.claims)
    }

    /// Signs a kite key that was written down. Takes up to a millisecond.
    ///
    /// # Errors
    ///
    /// `unavailable` without keys, or if its times are out of order.
    pub fn sign_kite_key(&self, issued: &IssuedKey) -> Result<TokenText, Error> {
        let key = self.signing_key()?;
        let settings = &self.inner.settings;
        let latest = issued.issued_at.checked_add(MAX_KITE_KEY_LIFE).unwrap_or(issued.expires_at);
        let claims = KiteKeyClaims {
            issuer: settings.issuer.clone(),
            // As people write it: whoever makes a field of a kite of it encodes it then.
            subject: issued.username.clone(),
            audience: settings.url.clone(),
            issued_at: issued.issued_at,
            expires_at: issued.expires_at.min(latest),
            id: issued.id.clone(),
            kontrol_url: settings.url.clone(),
            kontrol_key: key.public().to_pem().to_owned(),
        };
        key.sign(&claims).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot sign a kite key");
            Refused::Unavailable.into()
        })
    }

    /// Everything that happens to kites from now on. Whoever lags behind lists anew.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    pub(crate) fn downgrade(&self) -> WeakRegistry {
        WeakRegistry(Arc::downgrade(&self.inner))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.outside.clock.now()
    }

    pub(crate) fn signing_key(&self) -> Result<Arc<SigningKey>, Error> {
        let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.as_ref().map(|ring| ring.current.clone()).ok_or_else(|| Refused::Unavailable.into())
    }

    pub(crate) fn key_set(&self) -> KeySet {
        let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.as_ref().map(|ring| ring.all.clone()).unwrap_or_default()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.inner.stop.get().is_some_and(CancellationToken::is_cancelled)
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.inner.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To look at. To change anything, [`Registry::change`].
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and tells everybody whom it concerns what happened, in the order in which it did.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state();
        let answer = change(&mut state);
        // What is dropped or closed may have locks of its own: after ours.
        let (mut ended, mut moved) = (Vec::new(), Vec::new());
        for news in state.book.take_news() {
            state.watchers.mark(&news);
            if let Some(was) = &news.was
                && state.book.index.get(&was.kite.id).is_none_or(|is| is.generation != was.generation)
                && state.lines.get(&was.kite.id).is_some_and(|line| line.generation == was.generation)
            {
                // A kite that still is there would never learn that it is listed elsewhere, and then nowhere.
                if news.is.as_ref().is_some_and(|is| is.server != was.server) {
                    moved.extend(state.connection_of(was));
                }
                ended.push(state.lines.remove(&was.kite.id));
            }
            if let Some(change) = news.change() {
                // Nobody need listen.
                self.inner.changes.send(change).ok();
            }
        }
        if !state.book.writes.is_empty() {
            self.inner.to_write.notify_one();
        }
        drop(state);
        drop(ended);
        moved.iter().for_each(Peer::close);
        answer
    }
}

fn to_std(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

fn place_in_list(entry: &Entry) -> [&str; 4] {
    let kite = &entry.kite;
    [&kite.username, &kite.environment, &kite.name, &kite.id]
}
