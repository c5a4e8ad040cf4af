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
/// How long it may last after a password was asked for in vain: until the answer that says so has been read.
const GOODBYE: Duration = Duration::from_secs(1);

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
    standing: watch::Sender<Standing>,
    /// The kite that is registered on it: one connection is one kite, because it sends one heartbeat.
    registration: Mutex<Option<Registration>>,
}

/// Why a connection may last.
#[derive(Default)]
struct Standing {
    /// Somebody has authenticated on it.
    is_known: bool,
    /// So many calls wait for somebody who types a password.
    typing: usize,
}

/// As long as this is there, the connection may last because somebody types a password.
pub(crate) struct Typing<'a>(&'a Session);

impl Drop for Typing<'_> {
    fn drop(&mut self) {
        self.0.standing.send_modify(|is| is.typing = is.typing.saturating_sub(1));
    }
}

impl Session {
    pub(crate) fn authenticated(&self) {
        self.standing.send_if_modified(|is| !std::mem::replace(&mut is.is_known, true));
    }

    /// Somebody is about to type a password.
    pub(crate) fn typing(&self) -> Typing<'_> {
        self.standing.send_modify(|is| is.typing = is.typing.saturating_add(1));
        Typing(self)
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
    /// itself if nobody authenticates within half a minute, or types a password meanwhile.
    pub async fn serve(&self, transport: impl Transport + 'static, context: Context) {
        let (standing, changes) = watch::channel(Standing::default());
        let session = Session { standing, registration: Mutex::default() };
        let (peer, connection) = self.service().serve(transport, context.and(session));
        let deadline = async {
            is_overdue(changes).await;
            tracing::debug!("a connection on which nobody authenticated is closed");
            peer.close();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = connection => {}
            () = deadline => {}
        }
    }
}

/// Resolves when the connection has lasted too long for one on which nobody is known.
async fn is_overdue(mut standing: watch::Receiver<Standing>) {
    let mut patience = ANONYMOUS;
    loop {
        let may_last = standing.wait_for(|is| is.is_known || is.typing > 0);
        if tokio::time::timeout(patience, may_last).await.is_err() {
            return;
        }
        let typed = standing.wait_for(|is| is.is_known || is.typing == 0).await;
        // Known; or the connection is ending anyway.
        let is_settled = typed.map_or(true, |is| is.is_known);
        if is_settled {
            return std::future::pending().await;
        }
        patience = GOODBYE;
    }
}
