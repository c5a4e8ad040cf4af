//! Remove: nothing of a workspace is left.

use domain::{Event, Workspace};

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::trouble::Trouble;

impl Control {
    /// Removes processes, disk and run folder; the record goes with the event.
    pub(super) async fn remove(&self, workspace: &Workspace) -> Result<Performed<'_>, Trouble> {
        let id = workspace.id;
        self.inner.watchers.forget(id);
        self.on_machine(self.inner.driver.remove(id)).await.or_else(|trouble| {
            // Nothing there is what was wanted.
            if trouble == Trouble::from(runtime::DriverError::NoSandbox(id)) { Ok(()) } else { Err(trouble) }
        })?;
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
}
