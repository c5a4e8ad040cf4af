//! The end of a caller's rights, as something to wait for: every live stream does.

use std::time::Duration;

use domain::{Caller, Timestamp, Via};
use store::EVERYTHING;
use tokio::sync::broadcast::error::RecvError;

use super::session::welcome;
use crate::control::Control;
use crate::error::Error;

/// How often a caller is looked up again although nothing was heard: for an expiry, and should the
/// news itself get lost on its way from another server.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What is said after the commit that ended the rights of `subject`, a user, session or token.
pub(super) fn topic(subject: impl std::fmt::Display) -> String {
    format!("revoked {subject}")
}

impl Control {
    /// Resolves within a second after the caller may no longer act: suspended, role changed, session
    /// or token revoked or expired.
    pub fn revoked(&self, caller: &Caller) -> impl Future<Output = ()> + Send + use<> {
        let control = self.clone();
        let caller = caller.clone();
        // Listens from this moment, before anything is polled: no news falls between.
        let mut news = self.inner.store.nudges();
        async move {
            let own = [Some(topic(caller.user)), via_topic(&caller.via)];
            loop {
                let Some(until) = control.good_until(&caller).await else { return };
                let heard = async {
                    loop {
                        match news.recv().await {
                            Ok(said)
                                if *said == *EVERYTHING || own.iter().flatten().any(|own| **own == *said) =>
                            {
                                return;
                            }
                            Ok(_) => {}
                            // Missed some, or the store is closing: look.
                            Err(RecvError::Lagged(_)) => return,
                            Err(RecvError::Closed) => {
                                std::future::pending::<()>().await;
                            }
                        }
                    }
                };
                // Either way it is looked up again.
                let left = Duration::try_from(until.duration_since(control.now())).unwrap_or(Duration::ZERO);
                drop(tokio::time::timeout(left.min(LOOK_AGAIN), heard).await);
            }
        }
    }

    /// When the caller's rights end by themselves; `None` if they have ended. A database that does not
    /// answer cuts nobody off.
    async fn good_until(&self, caller: &Caller) -> Option<Timestamp> {
        self.look_up(caller).await.unwrap_or_else(|error| {
            let user = caller.user;
            tracing::warn!(user.id = %user, error = %error, "cannot look up whether a caller is still welcome");
            Some(Timestamp::MAX)
        })
    }

    async fn look_up(&self, caller: &Caller) -> Result<Option<Timestamp>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let user = welcome(&mut tx, caller.user).await?;
        if user.is_none_or(|user| user.role != caller.role) {
            return Ok(None);
        }
        let until = match &caller.via {
            Via::LocalSocket => Some(Timestamp::MAX),
            Via::Session(id) => {
                let sessions = tx.sessions_of(caller.user).await?;
                sessions.iter().find(|session| session.id == *id).map(|session| session.expires_at)
            }
            Via::Token { id, .. } => {
                let tokens = tx.tokens_of(caller.user).await?;
                let token = tokens.iter().find(|token| token.id == *id);
                token.map(|token| token.expires_at.unwrap_or(Timestamp::MAX))
            }
        };
        Ok(until.filter(|until| now < *until))
    }
}

fn via_topic(via: &Via) -> Option<String> {
    match via {
        Via::LocalSocket => None,
        Via::Session(id) => Some(topic(id)),
        Via::Token { id, .. } => Some(topic(id)),
    }
}
