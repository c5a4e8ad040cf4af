//! Start, stop, delete, rename: what a person asks of a workspace that is there.

use domain::{Action, Caller, Event, Workspace, WorkspaceId};
use store::StoreError;

use super::name::{name_taken, parse_name};
use super::{announce, authorize_change, happen};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

impl Control {
    /// Wants a workspace to run. One that runs already stays as it is.
    pub async fn start_workspace(&self, caller: &Caller, id: WorkspaceId) -> Result<Workspace, Error> {
        self.ask(caller, Action::Manage, id, &Event::StartRequested).await
    }

    /// Wants a workspace to rest: its processes end, its files stay. Accepted during a start too.
    pub async fn stop_workspace(&self, caller: &Caller, id: WorkspaceId) -> Result<Workspace, Error> {
        self.ask(caller, Action::Manage, id, &Event::StopRequested).await
    }

    /// Wants a workspace gone for ever. Accepted in every phase.
    pub async fn delete_workspace(&self, caller: &Caller, id: WorkspaceId) -> Result<Workspace, Error> {
        self.ask(caller, Action::Delete, id, &Event::DeleteRequested).await
    }

    /// Gives a workspace another name. Its host name inside follows at the next start of a new sandbox.
    ///
    /// # Errors
    ///
    /// 409 `name_taken`.
    pub async fn rename_workspace(
        &self,
        caller: &Caller,
        id: WorkspaceId,
        name: &str,
    ) -> Result<Workspace, Error> {
        let name = parse_name(name)?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let mut workspace = authorize_change(&mut tx, caller, Action::Manage, id).await?.into_workspace();
        if workspace.name == name {
            return Ok(workspace);
        }
        let detail = format!("{} to {name}", workspace.name);
        workspace.name = name;
        workspace.updated_at = now;
        tx.save_workspace(&workspace).await.map_err(|error| match error {
            StoreError::Conflict { .. } => name_taken(&workspace.name),
            other => other.into(),
        })?;
        announce(&mut tx, &workspace);
        note(&mut tx, caller.user, now, ("workspace.rename", id.to_string()), detail).await?;
        tx.commit().await?;
        Ok(workspace)
    }

    async fn ask(
        &self,
        caller: &Caller,
        action: Action,
        id: WorkspaceId,
        wish: &Event,
    ) -> Result<Workspace, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let mut workspace = authorize_change(&mut tx, caller, action, id).await?.into_workspace();
        let outcome = happen(&mut tx, &mut workspace, wish, now).await?;
        if outcome == super::Outcome::Changed {
            let said = format!("workspace.{}", wish.name());
            note(&mut tx, caller.user, now, (&said, id.to_string()), workspace.name.to_string()).await?;
            tx.commit().await?;
            // What is being done for the phase before is wanted no more.
            self.inner.flights.overtaken(id, &workspace.phase);
        }
        Ok(workspace)
    }
}
