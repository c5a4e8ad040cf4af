//! What is known about a connection, and the connections that registrations live on.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::WorkspaceId;
use kite::transport::Transport;
use kite::{Context, Functions, Peer};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use vault::Secret;

use crate::registry::Registry;
use crate::storage::Registration;

/// How long a connection may last on which nobody has authenticated. Long enough for a person to look at what they
/// just opened; an idle connection costs a few kilobytes.
const ANONYMOUS: Duration = Duration::from_secs(30);

/// In the context of an agent's connection: whose agent it is. Such a connection may register that workspace's kite
/// and report about it, and nothing else; what it says about authentication is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSeat {
    /// The workspace.
    pub workspace: WorkspaceId,
}

/// In the context of every other connection: where it comes from.
#[derive(Default)]
pub struct Origin {
    /// The address of the client itself, not of a proxy between.
    pub address: Option<IpAddr>,
    /// What the handshake had as `Authorization: Bearer …`: a kite key or an API token. Calls that have no
    /// authentication of their own are authenticated with it.
    pub bearer: Option<Secret<String>>,
}

/// One connection of anybody but an agent.
pub(crate) struct Session {
    /// Whether somebody has authenticated, or is about to.
    is_known: watch::Sender<bool>,
    /// The kite that is registered on it: one connection is one kite, because it sends one heartbeat.
    registration: Mutex<Option<Registration>>,
}

impl Session {
    pub(crate) fn authenticated(&self) {
        self.is_known.send_if_modified(|is| !std::mem::replace(is, true));
    }

    /// Notes which kite it is now; answers which other it was before.
    pub(crate) fn becomes(&self, registration: Registration) -> Option<Registration> {
        let mut is = self.registration.lock().unwrap_or_else(PoisonError::into_inner);
        let id = registration.id.clone();
        is.replace(registration).filter(|was| was.id != id)
    }
}

/// What a registration lives on.
pub(crate) struct Line {
    /// Which registration of the id.
    pub(crate) generation: u64,
    /// The connection; none for a registration over HTTP.
    pub(crate) peer: Option<Peer>,
    /// Where a registration over HTTP came from.
    pub(crate) address: Option<IpAddr>,
    /// Our function that the kite calls as its heartbeat; released with this.
    #[expect(dead_code, reason = "held for as long as the registration lasts")]
    pub(crate) heartbeat: Option<Functions>,
    /// Waits for the connection's end.
    pub(crate) task: Option<AbortHandle>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Registry {
    /// Serves one connection of anybody but an agent, with an [`Origin`] in its context, until it ends. Ends it
    /// itself if nobody authenticates within half a minute.
    pub async fn serve(&self, transport: impl Transport + 'static, context: Context) {
        let (is_known, mut known) = watch::channel(false);
        let session = Session { is_known, registration: Mutex::default() };
        let (peer, connection) = self.service().serve(transport, context.and(session));
        let deadline = async {
            let is_late = tokio::time::timeout(ANONYMOUS, known.wait_for(|is| *is)).await.is_err();
            if is_late {
                tracing::debug!("a connection on which nobody authenticated is closed");
                peer.close();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = connection => {}
            () = deadline => {}
        }
    }
}
