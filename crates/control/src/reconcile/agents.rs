//! What follows when an agent connects: serving git inside it, and its activity.

use domain::{Phase, Timestamp, WorkspaceId};
use kite::Context;
use link::{AgentClient, AgentEvent};
use registry::AgentSeat;
use tokio::sync::broadcast::error::RecvError;

use crate::control::Control;
use crate::error::Error;
use crate::workspace::ACTIVITY_STALE;

impl Control {
    /// Gives agents that connect from now on somebody to register with.
    pub(super) fn seat_agents(&self) {
        let service = self.registry().service();
        self.inner.agents.serve_kites(service, |workspace| Context::with(AgentSeat { workspace }));
    }

    /// Serves each agent that connects, for as long as the server lives.
    pub(super) async fn follow_agents(self) {
        let mut events = self.inner.agents.subscribe();
        self.welcome_all().await;
        loop {
            match events.recv().await {
                Ok(AgentEvent::Connected(id)) => self.welcome_agent(id),
                Ok(AgentEvent::Disconnected(id)) => tracing::debug!(workspace.id = %id, "agent disconnected"),
                Err(RecvError::Lagged(_)) => self.welcome_all().await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn welcome_all(&self) {
        match self.every_workspace().await {
            Ok(all) => all.iter().for_each(|(id, _)| self.welcome_agent(*id)),
            Err(error) => tracing::warn!(error = %error, "cannot look who is connected"),
        }
    }

    fn welcome_agent(&self, id: WorkspaceId) {
        let Some(agent) = self.inner.agents.get(id) else { return };
        let control = self.clone();
        self.inner.tasks.spawn(format_args!("welcome {id}"), async move {
            if let Err(error) = control.serve_inside(id, &agent).await {
                tracing::debug!(workspace.id = %id, error = %error, "cannot serve git in a workspace");
            }
        });
    }

    /// Asks every running workspace's agent when somebody last worked in it.
    pub(super) fn collect_activity(&self, all: &[(WorkspaceId, Phase)]) {
        for (id, _) in all.iter().filter(|(_, phase)| matches!(phase, Phase::Running { .. })) {
            let Some(agent) = self.inner.agents.get(*id) else { continue };
            let (control, id) = (self.clone(), *id);
            self.inner.tasks.spawn(format_args!("activity {id}"), async move {
                if let Err(error) = control.collect_from(id, &agent).await {
                    tracing::debug!(workspace.id = %id, error = %error, "cannot ask for activity");
                }
            });
        }
    }

    async fn collect_from(&self, id: WorkspaceId, agent: &AgentClient) -> Result<(), Error> {
        let Some(seen) = agent.usage().await?.last_activity_at else { return Ok(()) };
        // A workspace's clock is not to be trusted with the future.
        let seen = seen.min(self.now());
        let known = self.inner.store.read().await?.workspace(id).await?;
        if known.is_some_and(|known| is_news(known.last_activity_at, seen)) {
            self.touch(id, seen).await?;
        }
        Ok(())
    }

    /// Every workspace and its phase.
    pub(super) async fn every_workspace(&self) -> Result<Vec<(WorkspaceId, Phase)>, Error> {
        Ok(self.inner.store.read().await?.every_workspace().await?)
    }
}

fn is_news(known: Timestamp, seen: Timestamp) -> bool {
    seen.duration_since(known) >= ACTIVITY_STALE
}
