//! Watching: `getKites` with a function, which is then told what changes, and `cancelWatcher`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::KiteAction;
use kite::{Callback, Error, Peer, Request};
use serde_json::json;
use tokio::sync::Notify;

use crate::authority::{Person, person};
use crate::entry::Entry;
use crate::errors::{kind, not_found, too_many};
use crate::policy::{Principal, Refused};
use crate::query::Query;
use crate::registry::{Registry, WeakRegistry};
use crate::tokens::{Freshness, random_hex};
use crate::watchers::{End, Event, Known, Work};

/// Events that are computed at once.
const BATCH: usize = 32;
/// How long a watcher may take to read one event before it is given up.
const SLOW: Duration = Duration::from_secs(30);
/// How long the first event waits, so that the answer with the watch's id is read before. kite.js loses what comes
/// earlier.
const HEAD_START: Duration = Duration::from_millis(100);

/// What an event looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{action, kite, url, token}`, as Go's clients know it.
    Event,
    /// `{err, result: {action, kite, url, token}}`, as kite.js knows it.
    Response,
}

/// Who is told.
pub(crate) struct Listener {
    pub(crate) callback: Callback,
    pub(crate) form: Form,
}

/// A watch that is noted and not running yet. Dropping it forgets the watch.
pub(crate) struct Watch {
    id: String,
    registry: WeakRegistry,
    principal: Principal,
    listener: Listener,
    peer: Peer,
    wake: Arc<Notify>,
    known: Known,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.state().watchers.remove(&self.id);
        }
    }
}

impl Registry {
    /// Notes a watch, and answers with what it begins with: nothing that happens after is missed, or told twice.
    pub(crate) fn watch(
        &self,
        query: Query,
        person: &Person,
        listener: Listener,
        peer: Peer,
        limit: usize,
    ) -> Result<(Vec<Arc<Entry>>, Watch), Error> {
        let id = random_hex::<16>(self.inner.outside.entropy.as_ref());
        let wake = Arc::new(Notify::new());
        let mut state = self.state();
        let entries = state.book.index.select(Some(&query), person.viewer.as_ref(), KiteAction::See);
        if entries.len() > limit {
            return Err(too_many(
                "more than 1000 kites match, which are too many to watch; give more fields, such as username and name",
            ));
        }
        let (principal, viewer) = (person.principal.clone(), person.viewer.clone());
        state.watchers.add(id.clone(), principal.clone(), viewer, query, wake.clone()).map_err(|_| {
            too_many(
                "there are too many watches already; cancel some (cancelWatcher), or close their connections",
            )
        })?;
        drop(state);
        let known: HashMap<_, _> =
            entries.iter().map(|entry| (entry.kite.id.clone(), entry.clone())).collect();
        let watch = Watch { id, registry: self.downgrade(), principal, listener, peer, wake, known };
        self.judge_outdated(person);
        Ok((entries, watch))
    }

    pub(crate) fn cancel_watcher(&self, request: &Request) -> Result<bool, Error> {
        let person = person(request)?;
        let id: String = request.arg()?;
        if self.state().watchers.cancel(&id, person.principal.user) {
            Ok(true)
        } else {
            Err(not_found("there is no such watch; it has ended already"))
        }
    }
}

impl Watch {
    /// Lets the watch run; answers with its id. It ends with its connection, with `cancelWatcher`, with its
    /// credential, or because nobody reads it.
    pub(crate) fn begin(self) -> String {
        let id = self.id.clone();
        tokio::spawn(self.run());
        id
    }

    async fn run(mut self) {
        let peer = self.peer.clone();
        tokio::select! {
            () = self.follow() => {}
            () = peer.closed() => {}
        }
    }

    async fn follow(&mut self) {
        tokio::time::sleep(HEAD_START).await;
        loop {
            let Some(registry) = self.registry.upgrade() else { return };
            let work = {
                let mut state = registry.state();
                let state = &mut *state;
                state.watchers.work(&self.id, &state.book.index, &mut self.known, BATCH)
            };
            match work {
                Work::Nothing => {
                    drop(registry);
                    self.wake.notified().await;
                }
                Work::Tell(events) => {
                    if let Err(end) = self.tell(&registry, &events).await {
                        self.say_why(end).await;
                        return;
                    }
                }
                Work::Over(events, end) => {
                    let end = self.tell(&registry, &events).await.err().unwrap_or(end);
                    self.say_why(end).await;
                    return;
                }
            }
        }
    }

    async fn tell(&self, registry: &Registry, events: &[Event]) -> Result<(), End> {
        let key = registry.signing_key().map_err(|_| End::Cancelled)?;
        let key = key.id();
        let callable = events.iter().filter_map(|event| match event {
            Event::Register { entry, may_call: true } => Some(entry.clone()),
            Event::Register { .. } | Event::Deregister(_) => None,
        });
        let callable: Vec<_> = callable.collect();
        let mut tokens = registry
            .issue(&self.principal, &callable, Freshness::Kept)
            .await
            .map_err(|_| End::Cancelled)?
            .into_iter();
        for event in events {
            let event = match event {
                Event::Deregister(entry) => {
                    json!({"action": "DEREGISTER", "kite": entry.kite, "url": entry.url, "token": ""})
                }
                Event::Register { entry, may_call } => {
                    // Never left out: kite.js falls over where there is none.
                    let token = may_call.then(|| tokens.next()).flatten();
                    let token = token.as_ref().map_or("", |issued| issued.token.expose());
                    json!({
                        "action": "REGISTER", "kite": entry.kite, "url": entry.url, "keyId": key, "token": token,
                    })
                }
            };
            let event = match self.listener.form {
                Form::Event => event,
                Form::Response => json!({"err": null, "result": event}),
            };
            match tokio::time::timeout(SLOW, self.listener.callback.call((event,))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(End::Cancelled),
                Err(_) => return Err(End::TooMuch),
            }
        }
        Ok(())
    }

    /// Tells the watcher that there will be no more.
    async fn say_why(&self, end: End) {
        let error = match end {
            End::Cancelled => return,
            End::NotGood => Error::from(Refused::NotGood),
            End::TooMuch => Error::custom(
                kind::TOO_MANY,
                "the watch has ended: it was not read in time, or follows too many kites; ask again, with more fields",
                "",
            ),
        };
        let last = match self.listener.form {
            Form::Event => json!({"action": "ERROR", "error": error}),
            Form::Response => json!({"err": error, "result": null}),
        };
        // Whoever does not read may not get this either.
        tokio::time::timeout(SLOW, self.listener.callback.call((last,))).await.ok();
    }
}
