//! Halt: every process of a workspace ends; its files stay.

use std::time::Duration;

use domain::lifecycle::AfterStop;
use domain::{Event, Phase, Workspace};

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::trouble::Trouble;

/// How long the agent may take to hang up its terminals.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// A start that failed has nothing worth waiting for.
const FAILED_GRACE: Duration = Duration::from_millis(500);

impl Control {
    /// Ends the processes. Repeated, it finds nothing left to do.
    pub(super) async fn halt(&self, workspace: &Workspace) -> Result<Performed<'_>, Trouble> {
        let id = workspace.id;
        self.inner.watchers.forget(id);
        if let Some(agent) = self.inner.agents.get(id) {
            // Best effort: the driver ends what this does not.
            match tokio::time::timeout(SHUTDOWN_LIMIT, agent.shutdown()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(workspace.id = %id, error = %error, "agent did not shut down");
                }
                Err(_) => tracing::debug!(workspace.id = %id, "agent did not shut down in time"),
            }
        }
        let grace = match workspace.phase {
            Phase::Stopping { then: AfterStop::Show(_) } => FAILED_GRACE,
            _ => self.inner.settings.stop_grace,
        };
        self.end_processes(workspace, grace).await?;
        self.inner.agents.remove(id);
        self.close_listener(id).await;
        // So that a new start's log follows this one's last line.
        if let Err(error) = self.inner.logs.flush().await {
            tracing::warn!(workspace.id = %id, error = %error, "log lines were lost");
        }
        Ok(Performed::Done(Done::of(Event::Halted)))
    }
}
