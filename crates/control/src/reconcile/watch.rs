//! Notices when a sandbox ends by itself.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::{Event, Phase, Step, Workspace, WorkspaceId};
use tokio_util::sync::CancellationToken;

use crate::control::{Control, hold};
use crate::error::Error;

/// Sandboxes of one start that may end before it is ready. The first may be bad luck.
const EARLY_ENDS: u32 = 3;
/// Pause after the driver or the store did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before a start that is being recorded is looked at again.
const SOON: Duration = Duration::from_millis(20);

/// The watched sandboxes.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    by_workspace: Mutex<HashMap<WorkspaceId, CancellationToken>>,
    /// For each workspace on its way: the start it is in, and how many of its sandboxes have ended.
    early: Mutex<HashMap<WorkspaceId, (u32, u32)>>,
}

impl Watchers {
    /// Registers a watcher; `None` if there is one.
    fn begin(&self, id: WorkspaceId, life: &CancellationToken) -> Option<CancellationToken> {
        let mut watchers = hold(&self.by_workspace);
        if watchers.get(&id).is_some_and(|watcher| !watcher.is_cancelled()) {
            return None;
        }
        let watcher = life.child_token();
        watchers.insert(id, watcher.clone());
        Some(watcher)
    }

    /// Stops watching: the sandbox is about to be ended on purpose.
    pub(crate) fn forget(&self, id: WorkspaceId) {
        if let Some(watcher) = hold(&self.by_workspace).remove(&id) {
            watcher.cancel();
        }
    }

    /// Whether the workspace's sandbox is watched.
    pub(super) fn has(&self, id: WorkspaceId) -> bool {
        hold(&self.by_workspace).get(&id).is_some_and(|watcher| !watcher.is_cancelled())
    }

    /// Counts a sandbox that ended before its workspace was ready.
    fn count_early(&self, id: WorkspaceId, run: u32) -> u32 {
        let mut early = hold(&self.early);
        let (counted, ends) = early.entry(id).or_insert((run, 0));
        if *counted != run {
            (*counted, *ends) = (run, 0);
        }
        *ends += 1;
        *ends
    }

    /// Forgets workspaces that are gone.
    pub(super) fn retain(&self, is_there: impl Fn(&WorkspaceId) -> bool) {
        hold(&self.early).retain(|id, _| is_there(id));
        hold(&self.by_workspace).retain(|id, watcher| is_there(id) || !watcher.is_cancelled());
    }
}

impl Control {
    /// Watches the workspace's sandbox, unless it is watched.
    pub(super) fn watch(&self, workspace: &Workspace) {
        let (id, run) = (workspace.id, workspace.run);
        let Some(watcher) = self.inner.watchers.begin(id, self.inner.tasks.life()) else { return };
        let control = self.clone();
        self.inner.tasks.spawn(format_args!("watcher {id}"), async move {
            let ended = watcher.run_until_cancelled(control.until_ended(id)).await;
            if ended.is_some() {
                while let Err(error) = control.sandbox_ended(id, run, &watcher).await {
                    tracing::warn!(workspace.id = %id, error = %error, "cannot record that a sandbox ended");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            watcher.cancel();
        });
    }

    async fn until_ended(&self, id: WorkspaceId) {
        while let Err(error) = self.inner.driver.ended(id).await {
            tracing::debug!(workspace.id = %id, error = %error, "cannot watch the sandbox");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn sandbox_ended(
        &self,
        id: WorkspaceId,
        run: u32,
        watcher: &CancellationToken,
    ) -> Result<(), Error> {
        let (workspace, event) = loop {
            let found = self.inner.store.read().await?.workspace(id).await?;
            let Some(workspace) = found.filter(|workspace| workspace.run == run) else { return Ok(()) };
            match &workspace.phase {
                // It ended on purpose, and somebody else knows.
                _ if watcher.is_cancelled() => return Ok(()),
                Phase::Running { .. } => break (workspace, Event::SandboxGone),
                Phase::Starting { .. } | Phase::Initialising { .. } => {
                    let ends = self.inner.watchers.count_early(id, run);
                    break (workspace, early_end(ends));
                }
                // It has been started, which is about to be recorded.
                Phase::Creating => tokio::time::sleep(SOON).await,
                _ => return Ok(()),
            }
        };
        tracing::info!(workspace.id = %id, "sandbox ended by itself");
        self.say(&workspace, None, "the sandbox ended by itself").await;
        self.report(id, &event, |present| present.run == run && present.phase == workspace.phase).await?;
        Ok(())
    }
}

fn early_end(ends: u32) -> Event {
    if ends < EARLY_ENDS {
        return Event::SandboxGone;
    }
    Event::StepFailed {
        step: Step::Connect,
        reason: format!("the sandbox ended {EARLY_ENDS} times before it was ready"),
        mend: "run `hearth doctor` on the machine, then start the workspace again".into(),
    }
}
