//! Compares what runs on the machine with what should, and removes what nobody knows.

use std::collections::HashMap;
use std::time::Duration;

use domain::{Phase, WorkspaceId};
use runtime::{DriverError, Sandbox, SandboxState};

use crate::control::Control;
use crate::error::Error;

impl Control {
    /// Opens the socket of every workspace whose agent may be trying to connect, and watches every
    /// sandbox that should be there: one that is not is found at once.
    pub(super) async fn reopen(&self) -> Result<(), Error> {
        for (id, phase) in self.every_workspace().await? {
            if !phase.may_have_processes() || phase == Phase::Deleting {
                continue;
            }
            if let Err(trouble) = self.open_listener(id).await {
                tracing::warn!(workspace.id = %id, "{}", trouble.reason);
            }
            self.watch_again(id).await?;
        }
        Ok(())
    }

    /// Watches the sandbox if its phase says that there is one and nobody is making or ending it.
    pub(super) async fn watch_again(&self, id: WorkspaceId) -> Result<(), Error> {
        let found = self.inner.store.read().await?.workspace(id).await?;
        if let Some(workspace) = found
            && has_sandbox(&workspace.phase)
        {
            self.watch(&workspace);
        }
        Ok(())
    }

    /// Removes every sandbox and run folder that belongs to no workspace, and ends processes of
    /// workspaces that should have none.
    pub(super) async fn sweep(&self) {
        if let Err(error) = self.sweep_sandboxes().await {
            tracing::warn!(error = %error, "cannot look for sandboxes nobody knows");
        }
        if let Err(error) = self.sweep_run_folders().await {
            tracing::warn!(error = %error, "cannot look for run folders nobody knows");
        }
    }

    async fn sweep_sandboxes(&self) -> Result<(), Error> {
        // In this order: a sandbox is made after its record, so one without is left over.
        let sandboxes = self.inner.driver.list().await?;
        let phases: HashMap<_, _> = self.every_workspace().await?.into_iter().collect();
        for sandbox in sandboxes {
            let is_fine = match phases.get(&sandbox.id) {
                None => false,
                Some(phase) => phase.may_have_processes() || sandbox.state == SandboxState::Stopped,
            };
            if !is_fine && let Err(error) = self.sweep_one(&sandbox).await {
                tracing::warn!(workspace.id = %sandbox.id, error = %error, "cannot sweep a sandbox away");
            }
        }
        Ok(())
    }

    async fn sweep_one(&self, sandbox: &Sandbox) -> Result<(), Error> {
        let id = sandbox.id;
        let _turn = self.inner.locks.lock(id).await;
        // Looked at again now that nobody else can be working on it.
        let done = match self.inner.store.read().await?.workspace(id).await? {
            None => {
                tracing::warn!(workspace.id = %id, "removing a sandbox that belongs to no workspace");
                self.inner.driver.remove(id).await
            }
            Some(workspace) if !workspace.phase.may_have_processes() => {
                tracing::warn!(workspace.id = %id, "ending processes of a workspace that is {}", workspace.phase.name());
                self.inner.driver.stop(id, Duration::ZERO).await
            }
            Some(_) => Ok(()),
        };
        match done {
            Ok(()) | Err(DriverError::NoSandbox(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn sweep_run_folders(&self) -> Result<(), Error> {
        let internal =
            |what: String| move |source: std::io::Error| Error::Internal { what, source: Box::new(source) };
        let folders = self.run_folders().map_err(internal("cannot list the run folders".into()))?;
        for id in folders {
            let _turn = self.inner.locks.lock(id).await;
            if self.inner.store.read().await?.workspace(id).await?.is_none() {
                self.close_listener(id).await;
                self.remove_run_folder(id)
                    .map_err(internal(format!("cannot remove the run folder of `{id}`")))?;
            }
        }
        Ok(())
    }
}

/// Whether a sandbox is meant to be running, by nobody's further doing.
pub(super) fn has_sandbox(phase: &Phase) -> bool {
    matches!(phase, Phase::Starting { .. } | Phase::Initialising { .. } | Phase::Running { .. })
}
