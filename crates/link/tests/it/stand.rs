//! What the tests stand on: an agent, a credential, somebody who judges it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use agent::{Agent, Outside};
use async_trait::async_trait;
use domain::{Clock, Entropy, Timestamp, WorkspaceId};
use link::Admission;
use wire::agent::AgentConfig;

pub(crate) const LIMIT: Duration = Duration::from_secs(10);
pub(crate) const TOKEN: &str = "hearth_agent_right";

/// Admits whoever shows [`TOKEN`], and counts.
#[derive(Default)]
pub(crate) struct Door {
    pub(crate) asked: AtomicU32,
}

#[async_trait]
impl Admission for Door {
    async fn admit(&self, _workspace: WorkspaceId, token: &str) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        token == TOKEN
    }
}

/// Gives the same moment and the same bytes.
pub(crate) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(255);
    }
}

pub(crate) fn workspace(number: i64) -> WorkspaceId {
    WorkspaceId::generate(Timestamp::from_millisecond(number).unwrap(), &Fixed)
}

pub(crate) fn config(server: String, workspace: WorkspaceId, folder: &Path) -> AgentConfig {
    AgentConfig {
        workspace: workspace.to_string(),
        server,
        token: TOKEN.into(),
        ca_pem: None,
        folder: folder.display().to_string(),
        env: vec![("HOME".into(), folder.display().to_string())],
    }
}

pub(crate) fn agent(config: &AgentConfig) -> Agent {
    Agent::new(config, Outside { clock: Arc::new(Fixed), entropy: Arc::new(Fixed) })
}
