//! The registry's public keys as a verifier knows them: pinned, or learned and kept up to date.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch as state};
use tokio::time::Instant;

use super::Shared;
use crate::token::{KeySet, PublicKey};

/// The registry is asked because of an unknown key at most this often, so that strangers cannot make us ask.
const ASK_EVERY: Duration = Duration::from_mins(1);
/// The same while no key is known at all.
const ASK_FIRST_EVERY: Duration = Duration::from_secs(5);
/// How long a verification waits for the answer: as long as the call to the registry may take.
const WAIT: Duration = Duration::from_secs(16);
/// The registry is asked this often without a cause, so that a key that it gave up is given up here.
const RENEW_EVERY: Duration = Duration::from_mins(10);
/// What the key of before signed is good for so long, because some callers do not renew a token before it
/// ends: as long as registries let one live.
const GRACE: Duration = Duration::from_hours(1);

/// The keys that tokens are verified with. Cheap to clone; clones share what they know.
///
/// Learned keys come from [`super::Kontrol`], over the connection to the registry that its dialler verified, and
/// from nowhere else: neither from a token nor from a kite key. At most two are known: the one that the registry
/// signs with, and for an hour the one before it.
#[derive(Clone)]
pub struct RegistryKeys {
    inner: Arc<Inner>,
}

struct Inner {
    known: Mutex<Known>,
    /// Somebody verifies and wants the registry to be asked.
    wanted: Notify,
    /// A key was learned, which from then on has to be kept up to date.
    learned: state::Sender<bool>,
    /// How often it was asked; counts failures too.
    answers: state::Sender<u64>,
    is_pinned: bool,
}

#[derive(Default)]
struct Known {
    set: KeySet,
    current: Option<PublicKey>,
    previous: Option<(PublicKey, Instant)>,
    asked_at: Option<Instant>,
    /// The number that `answers` has once the question that was asked last is answered.
    awaited: u64,
}

impl Default for RegistryKeys {
    /// No keys yet: the registry is asked once somebody verifies.
    fn default() -> Self {
        Self::of(Known::default(), false)
    }
}

impl RegistryKeys {
    /// These keys and no others, whatever the registry says: for a kite without a connection to it.
    pub fn pinned(set: KeySet) -> Self {
        Self::of(Known { set, ..Known::default() }, true)
    }

    fn of(known: Known, is_pinned: bool) -> Self {
        let inner = Inner {
            known: Mutex::new(known),
            wanted: Notify::new(),
            learned: state::Sender::new(false),
            answers: state::Sender::new(0),
            is_pinned,
        };
        Self { inner: Arc::new(inner) }
    }

    /// What is known now.
    pub fn get(&self) -> KeySet {
        let mut known = self.known();
        if known.previous.as_ref().is_some_and(|(_, until)| *until <= Instant::now()) {
            known.previous = None;
            known.set = KeySet::new(known.current.clone());
        }
        known.set.clone()
    }

    /// The registry signs with this key now.
    pub(super) fn put(&self, key: PublicKey) {
        let mut known = self.known();
        if self.inner.is_pinned || known.current.as_ref() == Some(&key) {
            return;
        }
        match known.current.replace(key) {
            Some(before) => known.previous = Some((before, Instant::now() + GRACE)),
            // The limit is for questions that strangers cause.
            None => known.asked_at = None,
        }
        let previous = known.previous.as_ref().map(|(key, _)| key.clone());
        known.set = KeySet::new(previous.into_iter().chain(known.current.clone()));
        self.inner.learned.send_replace(true);
    }

    /// Has the registry asked, if it was not just before, and waits for the answer.
    pub(super) async fn refresh(&self) {
        if self.inner.is_pinned {
            return;
        }
        let mut answers = self.inner.answers.subscribe();
        let awaited = {
            let mut known = self.known();
            let answered = *answers.borrow_and_update();
            if known.awaited <= answered {
                let pause = if known.current.is_none() { ASK_FIRST_EVERY } else { ASK_EVERY };
                if known.asked_at.is_some_and(|at| at.elapsed() < pause) {
                    return;
                }
                known.asked_at = Some(Instant::now());
                known.awaited = answered.saturating_add(1);
                self.inner.wanted.notify_one();
            }
            known.awaited
        };
        // Without an answer in time the token is refused by what is known.
        tokio::time::timeout(WAIT, answers.wait_for(|answered| *answered >= awaited)).await.ok();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Asks the registry for its key whenever a verifier wants it, and once there is one now and again, wherever
    /// it came from: all tokens of a key that the registry gave up verify here, so that no verifier would want it.
    pub(super) async fn keep_keys(self: Arc<Self>) {
        let mut learned = self.keys.inner.learned.subscribe();
        let is_old = async {
            // Whoever sends is in `self`.
            learned.wait_for(|learned| *learned).await.ok();
            tokio::time::sleep(RENEW_EVERY).await;
        };
        tokio::select! {
            () = self.keys.inner.wanted.notified() => {}
            () = is_old => {}
        }
        loop {
            if let Err(error) = self.get_key().await {
                tracing::warn!(%error, "cannot get the registry's key to verify tokens with");
            }
            self.keys.inner.answers.send_modify(|answers| *answers = answers.saturating_add(1));
            tokio::select! {
                () = self.keys.inner.wanted.notified() => {}
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
        }
    }
}
