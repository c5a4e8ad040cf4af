//! Remove: nothing of a workspace is left.

use std::time::Duration;

use domain::{Event, Workspace, WorkspaceId};
use runtime::DriverError;

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::trouble::Trouble;

/// How long the machine may take to erase one disk: a million files on a slow one.
const REMOVE_LIMIT: Duration = Duration::from_mins(15);

impl Control {
    /// Removes processes, disk and run folder; the record goes with the event.
    pub(super) async fn remove(&self, workspace: &Workspace) -> Result<Performed<'_>, Trouble> {
        let id = workspace.id;
        self.inner.watchers.forget(id);
        self.erase(id).await?;
        self.inner.agents.remove(id);
        self.close_listener(id).await;
        self.remove_run_folder(id).map_err(|error| {
            Trouble::passing(
                format!("cannot remove the run folder of workspace `{id}`: {error}"),
                "check the permissions of the data directory",
            )
        })?;
        Ok(Performed::Done(Done::of(Event::Removed)))
    }

    /// Ends the processes and removes the disk; fine where there is neither.
    pub(super) async fn erase(&self, id: WorkspaceId) -> Result<(), Trouble> {
        let erase = async {
            match self.inner.driver.remove(id).await {
                Err(DriverError::NoSandbox(_)) => Ok(()),
                done => done,
            }
        };
        self.on_machine(REMOVE_LIMIT, erase).await
    }
}
