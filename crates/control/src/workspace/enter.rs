//! The way into a running workspace, and what it uses.

use std::time::Duration;

use domain::{Action, Caller, Grant, Limits, Phase, SignedDuration, Timestamp, Workspace, WorkspaceId};
use link::AgentClient;
use runtime::{DriverError, SandboxUsage};
use wire::agent::AgentUsage;

use super::authorize;
use crate::control::Control;
use crate::error::Error;

/// How long a caller waits for an agent that is about to be back, as after a restart of the server.
const RECONNECT: Duration = Duration::from_secs(5);
/// How long the agent may take to say what it uses; the machine's numbers are there without it.
const USAGE_LIMIT: Duration = Duration::from_secs(2);
/// How stale "last activity" may be: finer would cost a write for every command.
pub(crate) const ACTIVITY_STALE: SignedDuration = SignedDuration::from_mins(1);

/// A way in.
pub struct Entered {
    /// Proof that the caller may.
    pub grant: Grant,
    /// The agent inside.
    pub agent: AgentClient,
}

/// What a workspace uses now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since its start, microseconds.
    pub cpu_micros: u64,
    /// Memory now, bytes.
    pub memory_bytes: u64,
    /// Processes and threads now.
    pub pids: u32,
    /// What it may use.
    pub limits: Limits,
    /// What the agent says; absent while it is not connected.
    pub agent: Option<AgentUsage>,
    /// When somebody or something last worked in it.
    pub last_activity_at: Timestamp,
}

impl Control {
    /// Enters a running workspace. Counts as activity.
    ///
    /// # Errors
    ///
    /// 409 `not_running` with what to do about it; `unavailable` when its agent does not come back.
    pub async fn enter(&self, caller: &Caller, id: WorkspaceId) -> Result<Entered, Error> {
        let mut tx = self.inner.store.read().await?;
        let grant = authorize(&mut tx, caller, Action::Enter, id).await?;
        drop(tx);
        if !matches!(grant.workspace().phase, Phase::Running { .. }) {
            return Err(not_running(grant.workspace()));
        }
        let agent = match self.inner.agents.get(id) {
            Some(agent) => agent,
            None => self.wait_for_agent(id).await?,
        };
        self.note_activity(grant.workspace());
        Ok(Entered { grant, agent })
    }

    /// What a workspace uses now.
    pub async fn usage(&self, caller: &Caller, id: WorkspaceId) -> Result<Usage, Error> {
        let mut tx = self.inner.store.read().await?;
        let workspace = authorize(&mut tx, caller, Action::View, id).await?.into_workspace();
        drop(tx);
        let sandbox = match self.inner.driver.usage(id).await {
            Ok(usage) => usage,
            Err(DriverError::NoSandbox(_)) => SandboxUsage::default(),
            Err(error) => return Err(error.into()),
        };
        let agent = match self.inner.agents.get(id) {
            Some(agent) => tokio::time::timeout(USAGE_LIMIT, agent.usage()).await.ok().and_then(Result::ok),
            None => None,
        };
        let seen = agent.as_ref().and_then(|agent| agent.last_activity_at);
        Ok(Usage {
            cpu_micros: sandbox.cpu_micros,
            memory_bytes: sandbox.memory_bytes,
            pids: sandbox.pids,
            limits: workspace.limits,
            last_activity_at: seen
                .map_or(workspace.last_activity_at, |seen| seen.max(workspace.last_activity_at)),
            agent,
        })
    }

    async fn wait_for_agent(&self, id: WorkspaceId) -> Result<AgentClient, Error> {
        let waited = tokio::time::timeout(RECONNECT, self.inner.agents.wait_for(id)).await;
        waited.map_err(|_| Error::Unavailable {
            what: format!("the agent of workspace `{id}` is not connected"),
            mend: "try again in a moment; if it stays away, stop and start the workspace".into(),
        })
    }

    /// Notes that somebody works in the workspace now, unless that is known well enough.
    fn note_activity(&self, workspace: &Workspace) {
        let (id, now) = (workspace.id, self.now());
        if now.duration_since(workspace.last_activity_at) < ACTIVITY_STALE {
            return;
        }
        let control = self.clone();
        // Behind the caller's back: a command must not wait for the disk.
        self.inner.tasks.spawn(format_args!("activity {id}"), async move {
            if let Err(error) = control.touch(id, now).await {
                tracing::warn!(workspace.id = %id, error = %error, "cannot note activity");
            }
        });
    }

    /// Saves when somebody last worked in the workspace.
    pub(crate) async fn touch(&self, id: WorkspaceId, at: Timestamp) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        tx.touch_workspace(id, at).await?;
        Ok(tx.commit().await?)
    }
}

fn not_running(workspace: &Workspace) -> Error {
    let mend = match &workspace.phase {
        Phase::Queued
        | Phase::Preparing
        | Phase::Creating
        | Phase::Starting { .. }
        | Phase::Initialising { .. }
        | Phase::Running { .. } => "wait until it runs; its page shows how far it is".into(),
        Phase::Stopping { .. } => "wait until it has stopped, then start it".into(),
        Phase::Stopped => "start it first".into(),
        Phase::Failed(failure) => format!("{}; then start it again", failure.mend),
        Phase::Deleting | Phase::Deleted => "it is being removed for ever; make a new workspace".into(),
    };
    Error::Conflict {
        code: "not_running",
        what: format!("workspace `{}` is {}", workspace.name, workspace.phase.name()),
        mend,
    }
}
