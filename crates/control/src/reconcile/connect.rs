//! Connect: wait until the agent is there, and check that it can be talked to.

use std::time::Duration;

use domain::{Event, Step, Workspace};
use link::{AgentClient, LinkError};
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentInfo, PROTOCOL};

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::trouble::Trouble;

/// Pause before an agent that went away right after it came is waited for again.
const AGAIN: Duration = Duration::from_millis(50);

impl Control {
    /// Waits for the agent. The deadline lies in the phase, and the end of the sandbox is watched
    /// elsewhere; both overtake this.
    pub(super) async fn connect(
        &self,
        workspace: &Workspace,
        cancel: &CancellationToken,
    ) -> Result<Performed<'_>, Trouble> {
        self.open_listener(workspace.id).await?;
        self.watch(workspace);
        let connected = cancel.run_until_cancelled(self.greet(workspace)).await;
        let info = connected.unwrap_or_else(|| Err(Trouble::cancelled()))?;
        let mut done = Done::of(Event::AgentConnected);
        if !wants_clone(workspace) {
            if !workspace.initialised {
                let dotfiles = cancel.run_until_cancelled(self.dotfiles(workspace, Step::Connect)).await;
                done.notices.extend(dotfiles.unwrap_or_else(|| Err(Trouble::cancelled()))?);
            }
            done.events.push(Event::Initialised);
        }
        done.detail = Some(format!("agent {} on {}", info.version, info.platform));
        Ok(Performed::Done(done))
    }

    async fn greet(&self, workspace: &Workspace) -> Result<AgentInfo, Trouble> {
        loop {
            let agent = self.inner.agents.wait_for(workspace.id).await;
            match agent.info().await {
                Ok(info) if speaks(info.protocol) => return Ok(info),
                Ok(info) => {
                    let reason =
                        format!("the agent speaks protocol {}, this server {PROTOCOL}", info.protocol);
                    return Err(Trouble::lasting(reason, "install agent and server of one release"));
                }
                Err(error) => self.let_go(workspace, &agent, &error).await,
            }
        }
    }

    /// An agent that does not answer: waits for its next connection.
    async fn let_go(&self, workspace: &Workspace, agent: &AgentClient, error: &LinkError) {
        tracing::debug!(workspace.id = %workspace.id, error = %error, "agent connected and did not answer");
        agent.close();
        self.say(workspace, Some(Step::Connect), "the agent went away; waiting for it").await;
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether there is a repository to be cloned.
pub(super) fn wants_clone(workspace: &Workspace) -> bool {
    workspace.source.is_some() && !workspace.initialised
}

/// A server works with agents of its own protocol and of one version on either side.
fn speaks(protocol: u32) -> bool {
    protocol.abs_diff(PROTOCOL) <= 1
}
