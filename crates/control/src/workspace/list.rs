//! Looking at workspaces.

use domain::{Action, Caller, Role, Scope, TeamRole, Workspace, WorkspaceId};
use runtime::Support;

use super::authorize;
use crate::control::Control;
use crate::error::Error;
use crate::teams::see;

/// Most workspaces in one answer.
const PAGE: u32 = 500;

impl Control {
    /// The caller's workspaces, newest first; everybody's for administrators. `after` is the last id of the
    /// page before.
    pub async fn workspaces(
        &self,
        caller: &Caller,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<Workspace>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let owner = if caller.role == Role::Admin { None } else { Some(caller.user) };
        Ok(self.inner.store.read().await?.workspaces(owner, after, limit.clamp(1, PAGE)).await?)
    }

    /// The workspaces of one team, by its id or address, newest first: all of them for those who manage
    /// the team, else the caller's own in it. `after` is the last id of the page before.
    pub async fn workspaces_of_team(
        &self,
        caller: &Caller,
        team: &str,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<Workspace>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let mut tx = self.inner.store.read().await?;
        let seen = see(&mut tx, caller, team).await?;
        let owner = if seen.rank >= Some(TeamRole::Admin) { None } else { Some(caller.user) };
        Ok(tx.workspaces_of_team(seen.team.id, owner, after, limit.clamp(1, PAGE)).await?)
    }

    /// One workspace.
    pub async fn workspace(&self, caller: &Caller, id: WorkspaceId) -> Result<Workspace, Error> {
        let mut tx = self.inner.store.read().await?;
        Ok(authorize(&mut tx, caller, Action::View, id).await?.into_workspace())
    }

    /// What this machine can give workspaces and what it lacks. For administrators.
    #[expect(clippy::unused_async, reason = "a driver on another machine will have to be asked")]
    pub async fn doctor(&self, caller: &Caller) -> Result<Support, Error> {
        caller.administer()?;
        Ok(self.inner.driver.support().clone())
    }
}
