//! The socket of each workspace that agents connect to, and who may.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::WorkspaceId;
use link::Admission;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vault::TokenHash;
use wire::agent::SOCKET_NAME;

use crate::control::{Control, hold};
use crate::error::Error;
use crate::trouble::Trouble;

/// How long a listener may take to let go of its socket.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Credentials judged at once, by all doors. After a restart every agent is back within seconds; they take
/// turns, so that people's requests are not kept waiting for the database.
const JUDGED_AT_ONCE: usize = 32;

/// The open listeners.
#[derive(Debug)]
pub(crate) struct Listeners {
    open: Mutex<HashMap<WorkspaceId, Listener>>,
    judges: Semaphore,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { open: Mutex::default(), judges: Semaphore::new(JUDGED_AT_ONCE) }
    }
}

#[derive(Debug, Clone)]
struct Listener {
    cancel: CancellationToken,
    /// Cancelled once the socket is gone.
    ended: CancellationToken,
}

impl Control {
    /// Where the workspace's socket lies on this machine. The folder is what the sandbox is shown.
    pub(super) fn run_folder(&self, id: WorkspaceId) -> PathBuf {
        self.inner.settings.run_folder.join(id.to_string())
    }

    /// Opens the workspace's socket, unless it is open.
    pub(super) async fn open_listener(&self, id: WorkspaceId) -> Result<(), Trouble> {
        let present = hold(&self.inner.listeners.open).get(&id).cloned();
        match present {
            Some(listener) if !listener.ended.is_cancelled() => return Ok(()),
            Some(_) => self.close_listener(id).await,
            None => {}
        }
        self.listen(id).map_err(|error| {
            let folder = self.inner.settings.run_folder.display();
            Trouble::passing(
                format!("cannot open the agent's socket of workspace `{id}` in `{folder}`: {error}"),
                "check that the data directory exists and that its disk has room",
            )
        })
    }

    fn listen(&self, id: WorkspaceId) -> io::Result<()> {
        // Only the server comes past the outer folder; inside, the workspace's own user does.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.inner.settings.run_folder)?;
        let folder = self.run_folder(id);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        let cancel = self.inner.tasks.life().child_token();
        let serve = link::listen_unix(
            &folder.join(SOCKET_NAME),
            id,
            self.inner.agents.clone(),
            Arc::new(self.clone()),
            cancel.clone(),
        )?;
        let ended = CancellationToken::new();
        hold(&self.inner.listeners.open).insert(id, Listener { cancel, ended: ended.clone() });
        let ended = ended.drop_guard();
        self.inner.tasks.spawn(format_args!("listener {id}"), async move {
            serve.await;
            drop(ended);
        });
        Ok(())
    }

    /// Closes the workspace's socket and every connection through it.
    pub(super) async fn close_listener(&self, id: WorkspaceId) {
        let listener = hold(&self.inner.listeners.open).remove(&id);
        let Some(listener) = listener else { return };
        listener.cancel.cancel();
        if tokio::time::timeout(CLOSE_LIMIT, listener.ended.cancelled()).await.is_err() {
            tracing::warn!(workspace.id = %id, "the agent's socket does not close");
        }
    }

    /// Removes the workspace's run folder; fine where there is none.
    pub(super) fn remove_run_folder(&self, id: WorkspaceId) -> io::Result<()> {
        match fs::remove_dir_all(self.run_folder(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The workspaces that have a run folder.
    pub(super) fn run_folders(&self) -> io::Result<Vec<WorkspaceId>> {
        let entries = match fs::read_dir(&self.inner.settings.run_folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            if let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                found.push(id);
            }
        }
        Ok(found)
    }

    async fn is_agent(&self, workspace: WorkspaceId, token: &str) -> Result<bool, Error> {
        // Never closed; and without a turn there is still the database's own limit.
        let _turn = self.inner.listeners.judges.acquire().await.ok();
        let mut tx = self.inner.store.read().await?;
        let present = tx.agent_credential(workspace).await?;
        Ok(present.is_some_and(|present| present.matches(&TokenHash::of(token))))
    }
}

#[async_trait]
impl Admission for Control {
    async fn admit(&self, workspace: WorkspaceId, token: &str) -> bool {
        self.is_agent(workspace, token).await.unwrap_or_else(|error| {
            tracing::warn!(workspace.id = %workspace, error = %error, "cannot check an agent's credential");
            false
        })
    }
}
