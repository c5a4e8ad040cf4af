//! Admission: how many workspaces run at the same time.

use std::time::Duration;

use domain::{Effect, Event, Phase, Workspace, WorkspaceId};

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::error::Error;
use crate::trouble::Trouble;
use crate::workspace::EFFECT_TOPIC;

/// How often a waiting workspace looks by itself; usually it is let in when another one stops.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

impl Control {
    /// Lets a workspace start if there is a place for it. The oldest goes first.
    pub(super) async fn admit(&self, workspace: &Workspace) -> Result<Performed<'_>, Trouble> {
        let Some(most) = self.inner.settings.max_running else {
            return Ok(Performed::Done(Done::of(Event::Admitted)));
        };
        // Held until it is recorded, so that two cannot take the last place.
        let admission = self.inner.flights.admission().await;
        let all = self.inner.store.read().await?.every_workspace().await?;
        let ahead = waiting(&all).filter(|id| *id < workspace.id).count();
        let free = free_places(&all, most);
        if ahead < free {
            let admission = Some(admission);
            return Ok(Performed::Done(Done { admission, ..Done::of(Event::Admitted) }));
        }
        let why = format!("waiting for one of {most} places; {ahead} ahead");
        Ok(Performed::Later { why, after: LOOK_AGAIN })
    }

    /// A workspace may have given its place up: wakes those that wait for one.
    pub(super) async fn let_in(&self, changed: &Workspace) {
        let Some(most) = self.inner.settings.max_running else { return };
        if takes_place(&changed.phase) {
            return;
        }
        if let Err(error) = self.wake_waiting(most).await {
            tracing::warn!(error = %error, "cannot wake workspaces that wait for a place; they look by themselves");
        }
    }

    async fn wake_waiting(&self, most: u32) -> Result<(), Error> {
        let all = self.inner.store.read().await?.every_workspace().await?;
        let free = free_places(&all, most);
        let mut first: Vec<WorkspaceId> = waiting(&all).collect();
        first.sort_unstable();
        first.truncate(free);
        first.retain(|id| !self.inner.flights.has(*id));
        if first.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        for id in first {
            let found = tx.workspace_for_update(id).await?;
            if found.is_some_and(|workspace| workspace.phase == Phase::Queued) {
                tx.put_effect(id, Effect::Admit, now).await?;
                tx.nudge(format!("{EFFECT_TOPIC}{id}"));
            }
        }
        Ok(tx.commit().await?)
    }
}

fn waiting(all: &[(WorkspaceId, Phase)]) -> impl Iterator<Item = WorkspaceId> {
    all.iter().filter(|(_, phase)| *phase == Phase::Queued).map(|(id, _)| *id)
}

fn free_places(all: &[(WorkspaceId, Phase)], most: u32) -> usize {
    let taken = all.iter().filter(|(_, phase)| takes_place(phase)).count();
    usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(taken)
}

fn takes_place(phase: &Phase) -> bool {
    match phase {
        Phase::Preparing
        | Phase::Creating
        | Phase::Starting { .. }
        | Phase::Initialising { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => true,
        Phase::Queued | Phase::Stopped | Phase::Failed(_) | Phase::Deleting | Phase::Deleted => false,
    }
}
