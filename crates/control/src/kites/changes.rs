//! That something about a kite changed, for whoever may see it.

use domain::{Caller, Scope, UserId};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use registry::Change;
use store::Topic;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::KiteChange;
use super::revoked::concerns;
use super::viewer::{Judge, Look};
use crate::control::Control;
use crate::error::Error;

/// Who listens, and what they may see.
struct Listener {
    control: Control,
    caller: Caller,
    changes: broadcast::Receiver<Change>,
    nudges: broadcast::Receiver<Topic>,
    judge: Judge,
}

impl Control {
    /// Every change, from this moment on, to a kite that the caller may see. Counts that grow are changes too.
    ///
    /// # Errors
    ///
    /// `forbidden` for a token without the scope; `unavailable`.
    pub async fn kite_changes(&self, caller: &Caller) -> Result<BoxStream<'static, KiteChange>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        // Both listen before anything is loaded.
        let changes = self.inner.kites.registry.changes();
        let nudges = self.inner.store.nudges();
        let judge = self.judge_for(caller).await?;
        let listener = Listener { control: self.clone(), caller: caller.clone(), changes, nudges, judge };
        let visible = stream::unfold(listener, async |mut listener| {
            let change = listener.next().await?;
            Some((change, listener))
        });
        Ok(visible.boxed())
    }
}

impl Listener {
    /// The next change that the listener may see; `None` once the listener may see nothing any more.
    async fn next(&mut self) -> Option<KiteChange> {
        loop {
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(change) => {
                        let entry = change.entry();
                        if self.judge.look(entry) != Look::Nothing {
                            return Some(KiteChange { id: Some(entry.kite.id.clone()) });
                        }
                    }
                    Err(RecvError::Lagged(_)) => return Some(KiteChange { id: None }),
                    Err(RecvError::Closed) => return None,
                },
                said = self.nudges.recv() => match said {
                    Ok(topic) if !concerns(&topic, &self.people()) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        self.judge = self.control.judge_for(&self.caller).await.ok()?;
                        return Some(KiteChange { id: None });
                    }
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// Whose rights decide what the listener sees: their own, and those of whoever shares with them.
    fn people(&self) -> Vec<UserId> {
        let viewer = &self.judge.viewer;
        std::iter::once(viewer.user).chain(viewer.shared.keys().copied()).collect()
    }
}
