//! The end of a caller's rights, as something to wait for: every live stream does.

use std::time::Duration;

use domain::{Caller, TeamId, TeamRole, Timestamp, Via};
use store::EVERYTHING;
use tokio::sync::broadcast::error::RecvError;

use super::session::welcome;
use crate::control::Control;
use crate::error::Error;

/// How often a caller is looked up again although nothing was heard: for an expiry, and should the
/// news itself get lost on its way from another server.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What somebody is in which teams.
type Places = Vec<(TeamId, TeamRole)>;

/// What was heard about a caller.
enum Heard {
    /// The person lost a right.
    Loss,
    /// Perhaps something about this session or token, or nobody knows.
    Something,
}

/// Whether a place is gone or lower than it was.
fn has_less(places: &Places, (team, role): (TeamId, TeamRole)) -> bool {
    places.iter().find(|(id, _)| *id == team).is_none_or(|(_, now)| *now < role)
}

/// Said after a commit that ended rights; whose (a user's, session's or token's id) is behind.
pub(crate) const REVOKED_TOPIC: &str = "revoked ";

/// What is said after the commit that ended the rights of `subject`, a user, session or token.
pub(super) fn topic(subject: impl std::fmt::Display) -> String {
    format!("{REVOKED_TOPIC}{subject}")
}

impl Control {
    /// Resolves within a second after the caller may no longer act as before: suspended, role changed,
    /// session or token revoked or expired, a place in a team lost or lowered. Whoever is still welcome
    /// opens the stream again, and gets what the rights give that are left.
    ///
    /// Listens from the moment it is called, before anything is polled: whoever asks for rights afterwards
    /// hears of every loss.
    pub fn revoked(&self, caller: &Caller) -> impl Future<Output = ()> + Send + use<> {
        let control = self.clone();
        let caller = caller.clone();
        let mut news = self.inner.store.nudges();
        async move {
            let (of_user, of_via) = (topic(caller.user), via_topic(&caller.via));
            let mut known: Option<Places> = None;
            loop {
                let until = match control.look_up(&caller).await {
                    Ok(None) => return,
                    Ok(Some((until, places))) => {
                        if known
                            .get_or_insert_with(|| places.clone())
                            .iter()
                            .any(|had| has_less(&places, *had))
                        {
                            return;
                        }
                        until
                    }
                    // A database that does not answer cuts nobody off.
                    Err(error) => {
                        let user = caller.user;
                        tracing::warn!(user.id = %user, error = %error, "cannot look up whether a caller is still welcome");
                        Timestamp::MAX
                    }
                };
                let heard = async {
                    loop {
                        match news.recv().await {
                            Ok(said) if *said == *of_user => return Heard::Loss,
                            Ok(said) if *said == *EVERYTHING || of_via.as_deref() == Some(&*said) => {
                                return Heard::Something;
                            }
                            Ok(_) => {}
                            // Missed some, or the store is closing: look.
                            Err(RecvError::Lagged(_)) => return Heard::Something,
                            Err(RecvError::Closed) => std::future::pending().await,
                        }
                    }
                };
                let left = Duration::try_from(until.duration_since(control.now())).unwrap_or(Duration::ZERO);
                match tokio::time::timeout(left.min(LOOK_AGAIN), heard).await {
                    // Not looked up: it may have come before the first look, which then saw what was left.
                    Ok(Heard::Loss) => return,
                    Ok(Heard::Something) | Err(_) => {}
                }
            }
        }
    }

    /// When the caller's rights end by themselves, and the caller's places in teams; `None` if the rights
    /// have ended.
    async fn look_up(&self, caller: &Caller) -> Result<Option<(Timestamp, Places)>, Error> {
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
        let Some(until) = until.filter(|until| now < *until) else { return Ok(None) };
        let places =
            tx.teams_of(caller.user).await?.into_iter().map(|(team, role)| (team.id, role)).collect();
        Ok(Some((until, places)))
    }
}

fn via_topic(via: &Via) -> Option<String> {
    match via {
        Via::LocalSocket => None,
        Via::Session(id) => Some(topic(id)),
        Via::Token { id, .. } => Some(topic(id)),
    }
}
