//! What somebody came with to get a token for a kite, and whether it is good still.

use domain::{Caller, KiteKeyId, SessionId, Team, TeamId, Timestamp, TokenId, UserId, Via};
use store::Tx;

use crate::error::Error;

/// A credential's name in tokens, read again. All of them are ids whose prefixes differ.
enum Named {
    /// A family of kite keys.
    KiteKey(KiteKeyId),
    /// An API token.
    Token(TokenId),
    /// A browser's session.
    Session(SessionId),
}

impl Named {
    fn parse(text: &str) -> Option<Self> {
        let key = text.parse().map(Self::KiteKey);
        let token = || text.parse().map(Self::Token);
        key.or_else(|_| token()).or_else(|_| text.parse().map(Self::Session)).ok()
    }
}

/// What names the caller's credential; empty for the local socket, which has none that could end.
pub(super) fn name_of_credential(caller: &Caller) -> String {
    match &caller.via {
        Via::LocalSocket => String::new(),
        Via::Session(id) => id.to_string(),
        Via::Token { id, .. } => id.to_string(),
    }
}

/// Whether somebody's credential of this name is there, not over, and of a team that they belong to if it is of one.
pub(super) async fn is_credential_good(
    tx: &mut Tx,
    user: UserId,
    name: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    match Named::parse(name) {
        Some(Named::KiteKey(family)) => {
            let mut issues = tx.kite_keys_of(user).await?.into_iter();
            match issues.find(|issue| issue.family == family && now < issue.expires_at) {
                Some(issue) => belongs(tx, issue.team, user).await,
                None => Ok(false),
            }
        }
        Some(Named::Token(id)) => {
            let mut tokens = tx.tokens_of(user).await?.into_iter();
            Ok(tokens.any(|token| token.id == id && token.expires_at.is_none_or(|end| now < end)))
        }
        Some(Named::Session(id)) => {
            let mut sessions = tx.sessions_of(user).await?.into_iter();
            Ok(sessions.any(|session| session.id == id && now < session.expires_at))
        }
        None => Ok(false),
    }
}

async fn belongs(tx: &mut Tx, team: Option<TeamId>, user: UserId) -> Result<bool, Error> {
    match team {
        None | Some(Team::EVERYBODY) => Ok(true),
        Some(team) => Ok(tx.member(team, user).await?.is_some()),
    }
}
