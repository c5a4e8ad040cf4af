//! A driver whose sandboxes are tasks of the test's own process, each with a real agent in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Rootfs, SnapshotId, WorkspaceId};
use runtime::{Boot, Driver, DriverError, Sandbox, SandboxSpec, SandboxState, SandboxUsage, Support};
use testkit::{FakeClock, SeededEntropy};
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentConfig, RUN_FOLDER, SOCKET_NAME};

/// Runs agents without walls around them.
pub(crate) struct InProcess {
    folder: PathBuf,
    clock: FakeClock,
    support: Support,
    /// A running sandbox has the token that ends it.
    sandboxes: Mutex<HashMap<WorkspaceId, Option<CancellationToken>>>,
    /// What each agent was started with.
    configs: Mutex<HashMap<WorkspaceId, AgentConfig>>,
}

impl InProcess {
    pub(crate) fn new(folder: &Path, clock: FakeClock, support: Support) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.to_owned(),
            clock,
            support,
            sandboxes: Mutex::default(),
            configs: Mutex::default(),
        })
    }

    /// What the workspace's agent was started with.
    pub(crate) fn config_of(&self, id: WorkspaceId) -> AgentConfig {
        self.configs.lock().unwrap()[&id].clone()
    }

    /// Where the workspace's files lie.
    pub(crate) fn folder_of(&self, id: WorkspaceId) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

#[async_trait]
impl Driver for InProcess {
    fn name(&self) -> &'static str {
        "in-process"
    }

    fn support(&self) -> &Support {
        &self.support
    }

    async fn prepare(
        &self,
        rootfs: &Rootfs,
        _progress: &(dyn Fn(String) + Send + Sync),
        _cancel: &CancellationToken,
    ) -> Result<(), DriverError> {
        match rootfs {
            Rootfs::Host => Ok(()),
            Rootfs::Image(image) => {
                Err(DriverError::Image { what: format!("no `{image}` here"), mend: "use `host`".into() })
            }
        }
    }

    async fn create(&self, spec: &SandboxSpec) -> Result<(), DriverError> {
        std::fs::create_dir_all(self.folder_of(spec.id)).unwrap();
        self.sandboxes.lock().unwrap().entry(spec.id).or_default();
        Ok(())
    }

    async fn start(&self, id: WorkspaceId, boot: Boot) -> Result<Vec<String>, DriverError> {
        let mut config: AgentConfig = serde_json::from_slice(&boot.descriptor_3).unwrap();
        let run = boot.mounts.iter().find(|mount| mount.inside == RUN_FOLDER).unwrap();
        config.server = format!("unix:{}", run.host.join(SOCKET_NAME).display());
        config.folder = self.folder_of(id).display().to_string();
        self.configs.lock().unwrap().insert(id, config.clone());
        let outside =
            agent::Outside { clock: Arc::new(self.clock.clone()), entropy: Arc::new(SeededEntropy::new(1)) };
        let end = CancellationToken::new();
        self.sandboxes.lock().unwrap().insert(id, Some(end.clone()));
        tokio::spawn(end.run_until_cancelled_owned(async move {
            agent::Agent::new(&config, outside).run(&config).await;
        }));
        Ok(Vec::new())
    }

    async fn stop(&self, id: WorkspaceId, _grace: Duration) -> Result<(), DriverError> {
        let mut sandboxes = self.sandboxes.lock().unwrap();
        let end = sandboxes.get_mut(&id).ok_or(DriverError::NoSandbox(id))?.take();
        end.inspect(CancellationToken::cancel);
        Ok(())
    }

    async fn remove(&self, id: WorkspaceId) -> Result<(), DriverError> {
        let end = self.sandboxes.lock().unwrap().remove(&id).flatten();
        end.inspect(CancellationToken::cancel);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Sandbox>, DriverError> {
        let state =
            |end: &Option<_>| if end.is_some() { SandboxState::Running } else { SandboxState::Stopped };
        let sandboxes = self.sandboxes.lock().unwrap();
        Ok(sandboxes.iter().map(|(id, end)| Sandbox { id: *id, state: state(end) }).collect())
    }

    async fn ended(&self, id: WorkspaceId) -> Result<(), DriverError> {
        let end = self.sandboxes.lock().unwrap().get(&id).cloned().flatten();
        if let Some(end) = end {
            end.cancelled().await;
        }
        Ok(())
    }

    async fn usage(&self, id: WorkspaceId) -> Result<SandboxUsage, DriverError> {
        let is_there = self.sandboxes.lock().unwrap().contains_key(&id);
        if is_there { Ok(SandboxUsage::default()) } else { Err(DriverError::NoSandbox(id)) }
    }

    async fn snapshot(&self, _id: WorkspaceId, _snapshot: SnapshotId) -> Result<(), DriverError> {
        Ok(())
    }

    async fn remove_snapshot(&self, _snapshot: SnapshotId) -> Result<(), DriverError> {
        Ok(())
    }
}
