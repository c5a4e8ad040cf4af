//! The agent's two sockets inside the workspace: one for its own helper, one that is an SSH agent.
//!
//! They lie in a folder that only the workspace's user can enter, and every visitor is asked for its user id
//! besides (`SO_PEERCRED`): what comes through them ends in tokens and signatures.

pub(crate) mod call;
mod folder;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OnceCell, Semaphore};

use crate::agent::{Agent, Parts};
use crate::ssh_agent;

/// Visitors of one socket at the same time. More wait until one goes.
const VISITORS: usize = 64;
/// Pause after a visitor could not be let in.
const PAUSE: Duration = Duration::from_millis(200);

/// The helper's socket in the folder.
const CALLS: &str = "agent.sock";
/// The SSH agent's.
const SSH: &str = "ssh.sock";

/// Where the sockets are.
pub(crate) struct Doors {
    /// None where no place for them could be made; git then has to go on by itself.
    folder: Option<PathBuf>,
    opened: OnceCell<()>,
}

/// Where the helper finds the agent when nobody tells it.
pub(crate) fn usual_calls(home: &Path) -> PathBuf {
    folder::usual(home).join(CALLS)
}

impl Doors {
    /// Finds a place for them: in the home folder, else among the temporary files.
    pub(crate) fn place(home: &Path, workspace: &str) -> Self {
        let folder = folder::make(home, workspace, SSH.len().max(CALLS.len()));
        if let Err(error) = &folder {
            tracing::warn!(error = %error, "there is no place for the agent's sockets");
        }
        Self { folder: folder.ok(), opened: OnceCell::new() }
    }

    /// The helper's socket.
    pub(crate) fn calls(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(CALLS))
    }

    /// The SSH agent's socket.
    pub(crate) fn ssh(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(SSH))
    }

    /// Lets visitors in from now on; asking again changes nothing.
    pub(crate) async fn open(&self, agent: &Agent) {
        let Some(folder) = &self.folder else { return };
        let opened = self.opened.get_or_try_init(async || {
            for name in [CALLS, SSH] {
                let path = folder.join(name);
                // Of an agent before, or of the disk this one was forked from.
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
                let listener = UnixListener::bind(&path)?;
                // Lives as long as the agent.
                tokio::spawn(accept(listener, agent.parts.clone(), name));
            }
            Ok(())
        });
        if let Err(error) = opened.await {
            tracing::warn!(folder = %folder.display(), error = %error, "cannot open the agent's sockets");
        }
    }
}

async fn accept(listener: UnixListener, parts: Arc<Parts>, name: &'static str) {
    let places = Arc::new(Semaphore::new(VISITORS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((visitor, _)) if is_same_user(&visitor) => {
                let parts = parts.clone();
                // Ends with the connection.
                tokio::spawn(async move {
                    if name == SSH {
                        ssh_agent::serve(visitor, &parts.asks).await;
                    } else {
                        call::serve(visitor, &parts).await;
                    }
                    drop(place);
                });
            }
            Ok(_) => tracing::warn!("another user of this workspace knocked at the agent's socket"),
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection to the agent's socket");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_same_user(visitor: &UnixStream) -> bool {
    visitor.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw())
}
