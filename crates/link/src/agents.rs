//! Who is connected: one agent per workspace.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use domain::WorkspaceId;
use tokio::sync::{broadcast, watch};

use crate::client::AgentClient;
use crate::front::Front;

/// Events kept for a subscriber that is slow; one that falls further behind is told that it missed
/// some, and looks at [`Agents::get`] again.
const EVENTS: usize = 1024;

/// An agent came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentEvent {
    /// The workspace has a connected agent.
    Connected(WorkspaceId),
    /// It has none any more.
    Disconnected(WorkspaceId),
}

/// The connected agents. Clones share them.
#[derive(Clone)]
pub struct Agents {
    inner: Arc<Inner>,
}

type Slots = HashMap<WorkspaceId, watch::Sender<Option<AgentClient>>>;

struct Inner {
    /// One entry for each workspace with an agent or with somebody waiting for one.
    slots: Mutex<Slots>,
    events: broadcast::Sender<AgentEvent>,
    front: OnceLock<Front>,
}

impl Default for Agents {
    fn default() -> Self {
        Self::new()
    }
}

impl Agents {
    /// Nobody is connected yet.
    pub fn new() -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        Self { inner: Arc::new(Inner { slots: Mutex::default(), events, front: OnceLock::new() }) }
    }

    /// From now on `service` serves the text plane of every agent that connects. `context` says, to its
    /// methods, which workspace's seat a connection is.
    ///
    /// Counts once: whoever comes later changes nothing. Until then agents connect without a text plane.
    pub fn serve_kites(
        &self,
        service: kite::Service,
        context: impl Fn(WorkspaceId) -> kite::Context + Send + Sync + 'static,
    ) {
        if self.inner.front.set(Front::new(service, context)).is_err() {
            tracing::debug!("somebody serves the agents' text plane already");
        }
    }

    pub(crate) fn front(&self) -> Option<&Front> {
        self.inner.front.get()
    }

    /// Whether agents may connect with a text plane.
    pub fn speaks_kite(&self) -> bool {
        self.front().is_some()
    }

    /// The workspace's agent, if one is connected.
    pub fn get(&self, workspace: WorkspaceId) -> Option<AgentClient> {
        let slots = self.lock();
        let client = slots.get(&workspace)?.borrow().clone()?;
        (!client.is_closed()).then_some(client)
    }

    /// Waits for the workspace's agent, if need be for ever; put a time-out around it.
    pub async fn wait_for(&self, workspace: WorkspaceId) -> AgentClient {
        let mut waiting = Waiting { agents: self, workspace, watched: None };
        loop {
            let watched = waiting.watched.insert({
                let mut slots = self.lock();
                slots.entry(workspace).or_insert_with(|| watch::channel(None).0).subscribe()
            });
            let found = watched
                .wait_for(|client| client.as_ref().is_some_and(|client| !client.is_closed()))
                .await
                .ok()
                .and_then(|client| client.clone());
            if let Some(client) = found {
                return client;
            }
        }
    }

    /// Makes `client` the workspace's agent until its connection ends. An older one is closed.
    ///
    /// Must be called within a Tokio runtime.
    pub fn insert(&self, workspace: WorkspaceId, client: AgentClient) {
        let older = {
            let mut slots = self.lock();
            let slot = slots.entry(workspace).or_insert_with(|| watch::channel(None).0);
            slot.send_replace(Some(client.clone()))
        };
        if let Some(older) = older.filter(|older| !older.is_same(&client)) {
            tracing::info!(workspace.id = %workspace, "a newer connection of the agent replaces the older");
            older.close();
        }
        self.announce(AgentEvent::Connected(workspace));
        let agents = self.clone();
        // Ends with the connection it watches.
        tokio::spawn(async move {
            client.closed().await;
            agents.forget(workspace, Some(&client));
        });
    }

    /// Closes the workspace's connection and forgets it.
    pub fn remove(&self, workspace: WorkspaceId) {
        self.forget(workspace, None);
    }

    /// Hears who comes and goes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<AgentEvent> {
        self.inner.events.subscribe()
    }

    /// How many are connected.
    pub fn len(&self) -> usize {
        self.lock().values().filter(|slot| slot.borrow().is_some()).count()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties the workspace's slot: whoever is in it, or only if it is still `only`.
    fn forget(&self, workspace: WorkspaceId, only: Option<&AgentClient>) {
        let gone = {
            let mut slots = self.lock();
            let Some(slot) = slots.get(&workspace) else { return };
            let is_it =
                slot.borrow().as_ref().is_some_and(|present| only.is_none_or(|only| only.is_same(present)));
            let gone = if is_it { slot.send_replace(None) } else { None };
            drop_if_unused(&mut slots, workspace);
            gone
        };
        if let Some(client) = gone {
            client.close();
            self.announce(AgentEvent::Disconnected(workspace));
        }
    }

    fn announce(&self, event: AgentEvent) {
        // Nobody listening is no fault.
        drop(self.inner.events.send(event));
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Every change under the lock is one assignment, so a panic elsewhere cannot have torn it.
        self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_if_unused(slots: &mut Slots, workspace: WorkspaceId) {
    if slots.get(&workspace).is_some_and(|slot| slot.borrow().is_none() && slot.receiver_count() == 0) {
        slots.remove(&workspace);
    }
}

/// Somebody who waits. Given up, it takes the empty slot away that it made.
struct Waiting<'a> {
    agents: &'a Agents,
    workspace: WorkspaceId,
    watched: Option<watch::Receiver<Option<AgentClient>>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // First, so that it is not counted.
        drop(self.watched.take());
        drop_if_unused(&mut self.agents.lock(), self.workspace);
    }
}
