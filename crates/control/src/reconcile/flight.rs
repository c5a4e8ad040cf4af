//! The effects that are being performed, at most one for each workspace.

use std::collections::HashMap;
use std::sync::Mutex;

use domain::{Effect, Phase, WorkspaceId};
use store::ClaimedEffect;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::control::hold;

/// What is under way in this server.
#[derive(Debug)]
pub(crate) struct Flights {
    by_workspace: Mutex<HashMap<WorkspaceId, Flight>>,
    /// For work that loads the machine; waiting for an agent or a clone does not count.
    machine: Semaphore,
    /// Held from counting the running workspaces to recording one more.
    admission: AsyncMutex<()>,
}

#[derive(Debug)]
struct Flight {
    effect: Effect,
    generation: u64,
    cancel: CancellationToken,
}

impl Flights {
    pub(crate) fn new(parallel: usize) -> Self {
        Self {
            by_workspace: Mutex::default(),
            machine: Semaphore::new(parallel.max(1)),
            admission: AsyncMutex::new(()),
        }
    }

    /// Registers a claimed effect and ends whatever is under way for the workspace. `None` when this
    /// very effect is under way already: its lease had run out and was claimed again.
    pub(super) fn take_off(
        &self,
        claim: &ClaimedEffect,
        life: &CancellationToken,
    ) -> Option<CancellationToken> {
        let mut flights = hold(&self.by_workspace);
        if flights.get(&claim.workspace).is_some_and(|flight| flight.generation == claim.generation) {
            return None;
        }
        let cancel = life.child_token();
        let flight = Flight { effect: claim.effect, generation: claim.generation, cancel: cancel.clone() };
        if let Some(before) = flights.insert(claim.workspace, flight) {
            before.cancel.cancel();
        }
        Some(cancel)
    }

    /// The flight of `before` goes on with `next`; `false` when something newer has taken its place.
    pub(super) fn go_on(&self, before: &ClaimedEffect, next: &ClaimedEffect) -> bool {
        let mut flights = hold(&self.by_workspace);
        match flights.get_mut(&before.workspace) {
            Some(flight) if flight.generation == before.generation => {
                flight.effect = next.effect;
                flight.generation = next.generation;
                true
            }
            _ => false,
        }
    }

    /// The flight has ended; `false` when something newer has taken its place.
    pub(super) fn land(&self, claim: &ClaimedEffect) -> bool {
        let mut flights = hold(&self.by_workspace);
        let is_own =
            flights.get(&claim.workspace).is_some_and(|flight| flight.generation == claim.generation);
        if is_own {
            flights.remove(&claim.workspace);
        }
        is_own
    }

    /// The workspace is in `phase` now: whatever is done for another one ends at once.
    pub(crate) fn overtaken(&self, workspace: WorkspaceId, phase: &Phase) {
        let flights = hold(&self.by_workspace);
        if let Some(flight) = flights.get(&workspace)
            && phase.effect() != Some(flight.effect)
        {
            flight.cancel.cancel();
        }
    }

    /// Ends the flight if it still performs this generation.
    pub(super) fn cancel(&self, workspace: WorkspaceId, generation: u64) {
        let flights = hold(&self.by_workspace);
        if let Some(flight) = flights.get(&workspace)
            && flight.generation == generation
        {
            flight.cancel.cancel();
        }
    }

    /// Whether anything is under way for the workspace.
    pub(super) fn has(&self, workspace: WorkspaceId) -> bool {
        hold(&self.by_workspace).contains_key(&workspace)
    }

    /// Everything under way, with its generation.
    pub(super) fn all(&self) -> Vec<(WorkspaceId, u64)> {
        hold(&self.by_workspace).iter().map(|(id, flight)| (*id, flight.generation)).collect()
    }

    /// Waits for a turn on the machine.
    pub(super) async fn on_machine(&self) -> Option<SemaphorePermit<'_>> {
        self.machine.acquire().await.ok()
    }

    /// Waits for the turn to admit a workspace.
    pub(super) async fn admission(&self) -> MutexGuard<'_, ()> {
        self.admission.lock().await
    }
}
