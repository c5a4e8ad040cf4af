//! Workspaces: everything a person can do to one.

use domain::{Action, Caller, Denied, Event, Grant, Phase, Timestamp, Workspace, WorkspaceId};
use store::Tx;

use crate::control::Control;
use crate::error::Error;
use crate::reconcile::mark_steps;
use crate::teams::standing;

mod basis;
mod changes;
mod create;
mod enter;
mod fork;
mod life;
mod list;
mod lock;
mod log;
mod name;
mod snapshot;

pub use changes::Change;
pub(crate) use changes::{News, TOPIC as WORKSPACE_TOPIC, announce};
pub use create::{LimitsWanted, NewWorkspace};
pub(crate) use enter::ACTIVITY_STALE;
pub use enter::{Entered, Usage};
pub(crate) use lock::Locks;
pub(crate) use snapshot::{FORGET_SNAPSHOT, forget_later, is_needed};

/// What is said after the commit that wants another effect for a workspace.
pub(crate) const EFFECT_TOPIC: &str = "effect ";

/// Loads a workspace and checks that the caller may do this to it.
pub(crate) async fn authorize(
    tx: &mut Tx,
    caller: &Caller,
    action: Action,
    id: WorkspaceId,
) -> Result<Grant, Error> {
    let found = tx.workspace(id).await?;
    judge(tx, caller, action, id, found).await
}

/// Like [`authorize`], and keeps everybody else from changing the workspace until `tx` ends.
pub(crate) async fn authorize_change(
    tx: &mut Tx,
    caller: &Caller,
    action: Action,
    id: WorkspaceId,
) -> Result<Grant, Error> {
    let found = tx.workspace_for_update(id).await?;
    judge(tx, caller, action, id, found).await
}

async fn judge(
    tx: &mut Tx,
    caller: &Caller,
    action: Action,
    id: WorkspaceId,
    found: Option<Workspace>,
) -> Result<Grant, Error> {
    let missing = || Error::missing("workspace", id);
    let workspace = found.ok_or_else(missing)?;
    let standing = standing(tx, workspace.team, caller.user, caller.role).await?;
    caller.may(action, workspace, standing).map_err(|denied| match denied {
        Denied::Hidden => missing(),
        denied => denied.into(),
    })
}

/// Lets `event` happen to a loaded workspace: decides, saves state and effect together, announces.
pub(crate) async fn happen(
    tx: &mut Tx,
    workspace: &mut Workspace,
    event: &Event,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let before = workspace.phase.clone();
    workspace.apply(event, now)?;
    if workspace.phase == before {
        return Ok(Outcome::Unchanged);
    }
    mark_steps(workspace, &before, now);
    save(tx, workspace, now).await?;
    tx.nudge(format!("{EFFECT_TOPIC}{}", workspace.id));
    Ok(Outcome::Changed)
}

/// Saves a workspace whose phase has changed, and with it exactly the effect that the phase wants.
pub(crate) async fn save(tx: &mut Tx, workspace: &Workspace, now: Timestamp) -> Result<(), Error> {
    announce(tx, workspace);
    if workspace.phase == Phase::Deleted {
        tx.delete_workspace(workspace.id).await?;
        return Ok(());
    }
    tx.save_workspace(workspace).await?;
    match workspace.phase.effect() {
        Some(effect) => tx.put_effect(workspace.id, effect, now).await?,
        None => tx.clear_effect(workspace.id).await?,
    }
    Ok(())
}

/// Whether an event changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The phase is another one now.
    Changed,
    /// Late or repeated news.
    Unchanged,
}

impl Control {
    /// Lets something happen to a workspace that nobody asked for: time passed, a sandbox ended.
    /// `applies` is asked with the record as it is at that moment.
    pub(crate) async fn report(
        &self,
        id: WorkspaceId,
        event: &Event,
        applies: impl FnOnce(&Workspace) -> bool,
    ) -> Result<Outcome, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let Some(mut workspace) = tx.workspace_for_update(id).await? else { return Ok(Outcome::Unchanged) };
        if !applies(&workspace) {
            return Ok(Outcome::Unchanged);
        }
        let outcome = happen(&mut tx, &mut workspace, event, now).await?;
        if outcome == Outcome::Changed {
            tx.commit().await?;
            self.inner.flights.overtaken(id, &workspace.phase);
        }
        Ok(outcome)
    }
}
