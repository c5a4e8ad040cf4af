//! Every change to a workspace, for whoever may see it.
//!
//! A commit only says *which* workspace changed; one task per server reads it again and hands it to
//! everybody who listens. So what is handed out is never older than what was handed out before.

use domain::{Caller, Role, Scope, UserId, Workspace, WorkspaceId};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use store::{EVERYTHING, Topic, Tx};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::control::Control;
use crate::error::Error;

/// Said after a commit that changed a workspace, with its id and owner behind.
const TOPIC: &str = "workspace ";
/// A listener that is this far behind is cut off; it connects again and reads the list afresh.
const BACKLOG: usize = 1024;
/// Workspaces read at once when news was missed.
const PAGE: u32 = 200;

/// A workspace came, changed or went.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub id: WorkspaceId,
    /// How it is now; `None` when it is gone.
    pub workspace: Option<Workspace>,
}

/// Hands changes to everybody who listens.
#[derive(Debug)]
pub(crate) struct News(broadcast::Sender<(UserId, Change)>);

impl Default for News {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

/// Tells everybody, after the commit, that the workspace has changed.
pub(crate) fn announce(tx: &mut Tx, workspace: &Workspace) {
    tx.nudge(format!("{TOPIC}{} {}", workspace.id, workspace.owner));
}

impl Control {
    /// Every change, from this moment on, to a workspace the caller may see. Ends when the listener is
    /// too slow: it then reads everything afresh.
    pub fn changes(&self, caller: &Caller) -> Result<BoxStream<'static, Change>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let (user, sees_all) = (caller.user, caller.role == Role::Admin);
        let heard = self.inner.news.0.subscribe();
        let visible = stream::unfold(heard, move |mut heard| async move {
            loop {
                match heard.recv().await {
                    Ok((owner, change)) if sees_all || owner == user => return Some((change, heard)),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
                }
            }
        });
        Ok(visible.boxed())
    }

    /// Reads what has changed and hands it out, for as long as the server lives.
    pub(crate) async fn hand_out_changes(self, mut nudges: broadcast::Receiver<Topic>) {
        loop {
            let done = match nudges.recv().await {
                // Nobody listens: nothing to read.
                Ok(_) | Err(RecvError::Lagged(_)) if self.inner.news.0.receiver_count() == 0 => Ok(()),
                Ok(topic) if *topic == *EVERYTHING => self.hand_out_everything().await,
                Ok(topic) => self.hand_out(&topic).await,
                Err(RecvError::Lagged(_)) => self.hand_out_everything().await,
                Err(RecvError::Closed) => return,
            };
            if let Err(error) = done {
                tracing::warn!(error = %error, "cannot hand out what has changed");
            }
        }
    }

    async fn hand_out(&self, topic: &str) -> Result<(), Error> {
        let Some((id, owner)) = topic.strip_prefix(TOPIC).and_then(|rest| rest.split_once(' ')) else {
            return Ok(());
        };
        let (Ok(id), Ok(owner)) = (id.parse(), owner.parse()) else { return Ok(()) };
        let workspace = self.inner.store.read().await?.workspace(id).await?;
        self.send(owner, Change { id, workspace });
        Ok(())
    }

    async fn hand_out_everything(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.inner.store.read().await?.workspaces(None, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for workspace in page {
                self.send(workspace.owner, Change { id: workspace.id, workspace: Some(workspace) });
            }
        }
    }

    fn send(&self, owner: UserId, change: Change) {
        // Nobody listening is no fault.
        self.inner.news.0.send((owner, change)).ok();
    }
}
