//! Following which kites there are.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, oneshot};

use super::query::{Found, Query};
use super::{Kontrol, Live, Shared};
use crate::error::kind;
use crate::function::Function;
use crate::{Error, Functions, Kite};

/// Changes that wait for whoever watches, and events that wait to become changes. More of them are not lost:
/// the registry is asked again for the whole.
const QUEUE: usize = 256;
/// How long after a refusal it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long it waits before it asks for the whole again, so that many changes at once are one question.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the registry may take to answer.
const LIMIT: Duration = Duration::from_secs(15);

/// A kite came, went, or is dialled elsewhere now.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is there, with this URL and token.
    Register(Found),
    /// It is there no more, or may be seen no more.
    Deregister(Kite),
}

/// The changes, beginning with the kites that are there; ends with [`Kontrol::close`] only.
///
/// While the registry is away nothing is told; what changed meanwhile is told afterwards. Dropping it ends the
/// watch at the registry as well.
pub struct Watch {
    changes: mpsc::Receiver<Change>,
    _kontrol: Kontrol,
}

impl Stream for Watch {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        self.changes.poll_recv(context)
    }
}

impl Watch {
    /// The next change; none after [`Kontrol::close`].
    pub async fn next(&mut self) -> Option<Change> {
        self.changes.recv().await
    }
}

#[derive(Serialize)]
struct Asked<'a> {
    query: &'a Query,
    #[serde(rename = "watchCallback")]
    callback: Function,
}

#[derive(Deserialize)]
struct Answered {
    kites: Vec<Found>,
    #[serde(default, rename = "watcherID")]
    watcher: Option<String>,
    /// There are more than fit: what is missing may be there.
    #[serde(default)]
    truncated: bool,
}

/// What the registry calls back with: an event, or one with an envelope as kite.js has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Bare(Event),
    Wrapped { result: Event },
}

#[derive(Deserialize)]
struct Event {
    action: String,
    #[serde(flatten)]
    found: Found,
}

impl Kontrol {
    /// Follows the kites that agree with the query and that one may see.
    ///
    /// # Errors
    ///
    /// What the registry says to the query; `timeout` when it cannot be reached.
    pub async fn watch(&self, query: Query) -> Result<Watch, Error> {
        let (sender, changes) = mpsc::channel(QUEUE);
        let (first, begun) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let stop = shared.stop.clone();
        let mut following =
            Following { shared, query, changes: sender, known: HashMap::new(), first: Some(first) };
        tokio::spawn(super::until(stop, async move { following.follow().await }));
        match tokio::time::timeout(LIMIT, begun).await {
            Ok(Ok(Ok(()))) => Ok(Watch { changes, _kontrol: self.clone() }),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(_)) => Err(Error::disconnected()),
            Err(_) => Err(self.shared.too_late()),
        }
    }
}

struct Following {
    shared: Arc<Shared>,
    query: Query,
    changes: mpsc::Sender<Change>,
    /// What was told, by the kite's id.
    known: HashMap<String, Found>,
    /// Whom the first answer is told.
    first: Option<oneshot::Sender<Result<(), Error>>>,
}

/// Why one round of watching ended.
enum End {
    /// Nobody listens any more.
    Dropped,
    /// The connection ended.
    Disconnected,
    /// Something was missed.
    Missed,
    /// The registry refused, or ended the watch.
    Refused(Error),
}

impl Following {
    /// One round a connection, more if something was missed.
    async fn follow(&mut self) {
        let mut last = 0;
        loop {
            let live = tokio::select! {
                live = self.shared.newer_than(last) => live,
                () = self.changes.closed() => return,
            };
            let Ok(live) = live else { return };
            match self.round(&live).await {
                End::Dropped => return,
                End::Disconnected => last = live.generation,
                End::Missed => tokio::time::sleep(PAUSE).await,
                End::Refused(error) => {
                    if let Some(first) = self.first.take() {
                        // Whoever asked may have gone.
                        first.send(Err(error)).ok();
                        return;
                    }
                    tracing::warn!(%error, "cannot go on watching for kites; trying on");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => {}
                        () = self.changes.closed() => return,
                    }
                }
            }
        }
    }

    async fn round(&mut self, live: &Live) -> End {
        let (events, mut arrived) = mpsc::channel(QUEUE);
        let missed = Arc::new(Notify::new());
        let group = Functions::new();
        let flag = Arc::clone(&missed);
        let callback = group.add(move |arguments| {
            // Full, or something else than an event, like the news that the watch has ended.
            let is_queued = arguments.arg::<Told>().is_ok_and(|told| {
                let (Told::Bare(event) | Told::Wrapped { result: event }) = told;
                events.try_send(event).is_ok()
            });
            if !is_queued {
                flag.notify_one();
            }
            std::future::ready(())
        });
        let presented = self.shared.credential();
        let answer = live.peer.call("getKites", Asked { query: &self.query, callback }).await;
        let watcher = match answer {
            Ok(Answered { kites, watcher, truncated }) => {
                if let Some(first) = self.first.take() {
                    first.send(Ok(())).ok();
                }
                if self.catch_up(kites, truncated).await.is_none() {
                    cancel(live, watcher).await;
                    return End::Dropped;
                }
                watcher
            }
            Err(error) if error.is(kind::DISCONNECTED) => return End::Disconnected,
            Err(error) if error.is(kind::AUTHENTICATION) && self.shared.has_other_key(&presented).await => {
                return End::Missed;
            }
            Err(error) => return End::Refused(error),
        };
        if watcher.is_none() {
            return End::Refused(Error::generic("the registry does not let anybody watch"));
        }
        let end = self.pass_on(live, &mut arrived, &missed).await;
        if !matches!(end, End::Disconnected) {
            cancel(live, watcher).await;
        }
        drop(group);
        end
    }

    /// Tells what is different from what was told before; `None` if nobody listens.
    async fn catch_up(&mut self, kites: Vec<Found>, truncated: bool) -> Option<()> {
        let mut gone = std::mem::take(&mut self.known);
        for found in kites {
            let before = gone.remove(&found.kite.id);
            let is_new = before.is_none_or(|before| differ(&before, &found));
            self.known.insert(found.kite.id.clone(), found.clone());
            if is_new {
                self.changes.send(Change::Register(found)).await.ok()?;
            }
        }
        if truncated {
            self.known.extend(gone);
            return Some(());
        }
        for found in gone.into_values() {
            self.changes.send(Change::Deregister(found.kite)).await.ok()?;
        }
        Some(())
    }

    async fn pass_on(&mut self, live: &Live, arrived: &mut mpsc::Receiver<Event>, missed: &Notify) -> End {
        loop {
            let event = tokio::select! {
                event = arrived.recv() => event,
                () = missed.notified() => return End::Missed,
                () = live.peer.closed() => return End::Disconnected,
                () = self.changes.closed() => return End::Dropped,
            };
            let Some(Event { action, found }) = event else { return End::Missed };
            let id = found.kite.id.clone();
            let change = match action.as_str() {
                "REGISTER" => {
                    let before = self.known.insert(id, found.clone());
                    before.is_none_or(|before| differ(&before, &found)).then_some(Change::Register(found))
                }
                "DEREGISTER" => self.known.remove(&id).map(|before| Change::Deregister(before.kite)),
                _ => None,
            };
            if let Some(change) = change
                && self.changes.send(change).await.is_err()
            {
                return End::Dropped;
            }
        }
    }
}

/// Whether it is dialled elsewhere, or is another version.
fn differ(before: &Found, after: &Found) -> bool {
    before.url != after.url || before.kite != after.kite
}

/// Best effort: the registry ends watches with the connection in any case.
async fn cancel(live: &Live, watcher: Option<String>) {
    let Some(watcher) = watcher else { return };
    if let Err(error) = live.peer.call::<serde::de::IgnoredAny>("cancelWatcher", watcher).await {
        tracing::debug!(%error, "cannot cancel a watch");
    }
}
