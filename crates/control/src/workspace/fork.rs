//! A fork: a new workspace that begins with another one's files.

use domain::{Caller, Workspace, WorkspaceId, WorkspaceName};

use super::create::Making;
use super::name::Naming;
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

impl Control {
    /// Makes a new workspace with the files of a stopped one, in constant time.
    ///
    /// It belongs to the owner of the first one, whoever asks: what is inside is the owner's.
    ///
    /// # Errors
    ///
    /// 409 `not_stopped`.
    pub async fn fork_workspace(&self, caller: &Caller, id: WorkspaceId) -> Result<Workspace, Error> {
        let (workspace, sealed) = self.seal(caller, id).await?;
        let making = Making {
            owner: workspace.owner,
            team: workspace.team,
            naming: Naming::Like(WorkspaceName::nearest(workspace.name.as_str())),
            source: workspace.source,
            rootfs: workspace.rootfs,
            // Without a disk there is nothing to stand on, and nothing cloned either.
            initialised: workspace.initialised && (sealed.is_some() || workspace.base.is_some()),
            base: sealed.or(workspace.base),
            limits: workspace.limits,
            variables: workspace.variables,
            notices: Vec::new(),
        };
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let fork = self.insert(&mut tx, making).await?;
        note(&mut tx, caller.user, now, ("workspace.fork", fork.id.to_string()), id.to_string()).await?;
        tx.commit().await?;
        tracing::info!(workspace.id = %fork.id, "workspace `{}` forked from `{}`", fork.name, workspace.name);
        Ok(fork)
    }
}
