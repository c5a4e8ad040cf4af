//! What Git and SSH inside a workspace get from the server: connections, credentials, signatures, settings.
//!
//! Nothing of it lies in the workspace. For each use the agent asks, and each time it is decided afresh, from the
//! store ([`scene`]): whether the workspace's owner is still welcome, which repositories belong to it, and what
//! the owner's links are good for. When that changes, open connections are cut and settings sent anew (`follow`).

mod address;
mod asks;
mod connections;
mod credential;
mod follow;
mod pace;
mod scene;
mod settings;
mod signature;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{LinkId, WorkspaceId};
use link::{AgentClient, LinkError};
use tokio::sync::watch;

use crate::control::{Control, hold};

pub(crate) use follow::git_topic;
pub(crate) use scene::Scene;

/// Pause before the agent is asked again after a stream of its broke while its connection did not.
const AGAIN: Duration = Duration::from_millis(500);

/// What was answered since the server started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskCounts {
    /// Credentials given to Git.
    pub credentials: u64,
    /// Signatures made.
    pub signatures: u64,
    /// Connections made.
    pub connections: u64,
    /// Questions and connections refused.
    pub refused: u64,
}

/// What is kept in memory.
#[derive(Default)]
pub(crate) struct Broker {
    served: Mutex<HashMap<WorkspaceId, Served>>,
    /// Links whose credential, of this generation, a forge did not take from Git.
    doubted: Mutex<HashMap<LinkId, u64>>,
    counters: Counters,
    /// Held by whoever makes somebody's SSH key: one at a time, for it takes a processor for seconds.
    key_turn: tokio::sync::Mutex<()>,
}

impl Broker {
    /// Waits until nobody else makes an SSH key.
    pub(crate) async fn key_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.key_turn.lock().await
    }
}

#[derive(Default)]
struct Counters {
    credentials: AtomicU64,
    signatures: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
}

/// An agent that is served.
struct Served {
    agent: AgentClient,
    ready: watch::Receiver<Ready>,
}

/// What an agent has been told by now.
#[derive(Debug, Clone, Copy, Default)]
struct Ready {
    connections: bool,
    asks: bool,
    /// Whether it knows how to be told Git's settings; not known yet where absent.
    settings: Option<bool>,
}

/// An agent that is served and knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Whether it has set Git up; one of an earlier release cannot.
    pub(crate) git: bool,
}

/// Why something is not done, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) mend: String,
}

impl Refusal {
    fn new(why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { why: why.into(), mend: mend.into() }
    }
}

/// One agent and what serving it needs.
#[derive(Clone)]
struct Serving {
    control: Control,
    id: WorkspaceId,
    agent: AgentClient,
    ready: watch::Sender<Ready>,
    /// Counts the times when everything open had to end.
    cuts: watch::Sender<u64>,
}

impl Control {
    /// What Git and SSH inside workspaces asked for, for the page of numbers.
    pub fn ask_counts(&self) -> AskCounts {
        let counters = &self.inner.broker.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AskCounts {
            credentials: read(&counters.credentials),
            signatures: read(&counters.signatures),
            connections: read(&counters.connections),
            refused: read(&counters.refused),
        }
    }

    /// Serves what Git and SSH in the workspace want, for as long as `agent` is connected. Returns once the
    /// agent knows. Asking again changes nothing.
    pub(crate) async fn serve_inside(&self, id: WorkspaceId, agent: &AgentClient) -> Result<Told, LinkError> {
        let mut ready = {
            let mut served = hold(&self.inner.broker.served);
            match served.get(&id) {
                Some(present) if present.agent.is_same(agent) => present.ready.clone(),
                _ => {
                    let (say, ready) = watch::channel(Ready::default());
                    served.insert(id, Served { agent: agent.clone(), ready: ready.clone() });
                    let (control, agent, cuts) = (self.clone(), agent.clone(), watch::Sender::new(0));
                    let serving = Serving { control, id, agent, ready: say, cuts };
                    self.inner.tasks.spawn(format_args!("inside {id}"), serving.run());
                    ready
                }
            }
        };
        let is_told = |ready: &Ready| ready.connections && ready.asks && ready.settings.is_some();
        let told = ready.wait_for(is_told).await.map_err(|_| LinkError::Gone)?;
        Ok(Told { git: told.settings == Some(true) })
    }

    fn count(&self, which: impl FnOnce(&Counters) -> &AtomicU64) {
        which(&self.inner.broker.counters).fetch_add(1, Ordering::Relaxed);
    }
}

impl Serving {
    async fn run(self) {
        let closed = self.agent.closed();
        let work = async {
            tokio::join!(self.connections(), self.asks(), self.follow());
        };
        tokio::select! {
            () = closed => {}
            () = work => {}
        }
        let mut served = hold(&self.control.inner.broker.served);
        if served.get(&self.id).is_some_and(|present| present.agent.is_same(&self.agent)) {
            served.remove(&self.id);
        }
    }

    /// Resolves when everything that is open now has to end.
    fn cut(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut cuts = self.cuts.subscribe();
        async move {
            // The sender lives in whoever waits.
            drop(cuts.changed().await);
        }
    }
}
