//! Who a session's or token's bearer is, and the list of one's sessions.

use domain::{Caller, SessionId, SignedDuration, Timestamp, User, Via};
use store::{Session, Tx};
use vault::TokenHash;

use super::note;
use crate::control::Control;
use crate::error::Error;

/// How stale "last seen" may be: finer would cost a write for every request.
const SEEN_STALE: SignedDuration = SignedDuration::from_mins(5);
/// Longer texts are no tokens of ours and are not even hashed.
const TOKEN_TEXT_MAX: usize = 200;

impl Control {
    /// Who sent this session token; `None` for one that is unknown, expired, or of somebody suspended.
    pub async fn caller_of_session(&self, token: &str) -> Result<Option<Caller>, Error> {
        if token.len() > TOKEN_TEXT_MAX {
            return Ok(None);
        }
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let Some(session) = tx.session_by_hash(&TokenHash::of(token)).await? else { return Ok(None) };
        let Some(user) = welcome(&mut tx, session.user).await? else { return Ok(None) };
        drop(tx);
        if now >= session.expires_at {
            return Ok(None);
        }
        if is_stale(session.last_seen_at, now) {
            let mut tx = self.inner.store.begin().await?;
            tx.touch_session(session.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some(Caller { user: user.id, role: user.role, via: Via::Session(session.id) }))
    }

    /// Who sent this API token; `None` for one that is unknown, expired, or of somebody suspended.
    pub async fn caller_of_token(&self, token: &str) -> Result<Option<Caller>, Error> {
        if token.len() > TOKEN_TEXT_MAX {
            return Ok(None);
        }
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let Some(token) = tx.token_by_hash(&TokenHash::of(token)).await? else { return Ok(None) };
        let Some(user) = welcome(&mut tx, token.user).await? else { return Ok(None) };
        drop(tx);
        if token.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Ok(None);
        }
        if token.last_used_at.is_none_or(|used| is_stale(used, now)) {
            let mut tx = self.inner.store.begin().await?;
            tx.touch_token(token.id, now).await?;
            tx.commit().await?;
        }
        let via = Via::Token { id: token.id, scopes: token.scopes };
        Ok(Some(Caller { user: user.id, role: user.role, via }))
    }

    /// Ends the caller's own sign-in: the session, and those of the same sign-in on other hosts. Nothing to
    /// do for other ways in.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Error> {
        let Via::Session(id) = caller.via else { return Ok(()) };
        let mut tx = self.inner.store.begin().await?;
        end_sign_in(&mut tx, caller, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The caller's sessions.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, Error> {
        caller.in_person()?;
        let now = self.now();
        let mut sessions = self.inner.store.read().await?.sessions_of(caller.user).await?;
        sessions.retain(|session| now < session.expires_at);
        Ok(sessions)
    }

    /// Ends one of the caller's sessions, and those of the same sign-in on other hosts.
    pub async fn revoke_session(&self, caller: &Caller, id: SessionId) -> Result<(), Error> {
        caller.in_person()?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        if !end_sign_in(&mut tx, caller, id).await? {
            return Err(Error::missing("session", id));
        }
        note(&mut tx, caller.user, now, ("session.revoke", id.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Ends every session of the sign-in that one of the caller's sessions belongs to; `false` when it is none
/// of the caller's.
async fn end_sign_in(tx: &mut Tx, caller: &Caller, id: SessionId) -> Result<bool, Error> {
    let sessions = tx.sessions_of(caller.user).await?;
    let Some(found) = sessions.iter().find(|session| session.id == id) else { return Ok(false) };
    tx.delete_sessions_of_sign_in(found.sign_in).await?;
    for session in sessions.iter().filter(|session| session.sign_in == found.sign_in) {
        Control::cut(tx, session.id);
    }
    Ok(true)
}

/// The user, unless shut out.
pub(crate) async fn welcome(tx: &mut Tx, id: domain::UserId) -> Result<Option<User>, Error> {
    Ok(tx.user(id).await?.filter(|user| user.suspended_at.is_none()))
}

fn is_stale(seen: Timestamp, now: Timestamp) -> bool {
    now.duration_since(seen) >= SEEN_STALE
}
