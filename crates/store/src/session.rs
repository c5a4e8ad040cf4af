//! Sign-ins of browsers.

use domain::{ForgeId, SessionId, Timestamp, UserId};
use vault::TokenHash;

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// One sign-in of one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// Hash of the cookie.
    pub hash: TokenHash,
    /// What the browser calls itself.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The forge it was signed in with; a password where absent.
    pub forge: Option<ForgeId>,
    /// The first session of the same sign-in: its own id, unless it was handed over from another host.
    pub sign_in: SessionId,
}

statements! { "sessions", key "id";
    INSERT = "insert into sessions \
              (id, user_id, hash, user_agent, created_at, last_seen_at, expires_at, signed_in_with, sign_in) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    BY_HASH = "select id, user_id, hash, user_agent, created_at, last_seen_at, expires_at, \
               signed_in_with, sign_in from sessions where hash = $1";
    BY_ID = "select id, user_id, hash, user_agent, created_at, last_seen_at, expires_at, \
             signed_in_with, sign_in from sessions where id = $1";
    OF_USER = "select id, user_id, hash, user_agent, created_at, last_seen_at, expires_at, \
               signed_in_with, sign_in from sessions where user_id = $1 order by id desc";
    OF_FORGE = "select id, user_id, hash, user_agent, created_at, last_seen_at, expires_at, \
                signed_in_with, sign_in from sessions \
                where user_id = $1 and signed_in_with = $2 order by id desc";
    TOUCH = "update sessions set last_seen_at = $2 where id = $1 and last_seen_at < $2";
    DELETE = "delete from sessions where id = $1";
    SIGNED_IN_WITH = "select distinct user_id, signed_in_with from sessions \
                      where signed_in_with is not null and expires_at > $1 order by user_id, signed_in_with";
    DELETE_OF_SIGN_IN = "delete from sessions where sign_in = $1 or id = $1";
    DELETE_OF_USER = "delete from sessions where user_id = $1";
    DELETE_EXPIRED = "delete from sessions where expires_at <= $1";
}

impl Tx {
    /// Adds a session.
    pub async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let values = [
            session.id.into(),
            session.user.into(),
            session.hash.as_bytes().into(),
            session.user_agent.as_str().into(),
            session.created_at.into(),
            session.last_seen_at.into(),
            session.expires_at.into(),
            session.forge.into(),
            session.sign_in.into(),
        ];
        self.insert("session", INSERT, values).await
    }

    /// The session with this cookie, expired or not.
    pub async fn session_by_hash(&mut self, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
        self.row(BY_HASH, [hash.as_bytes().into()]).await?.as_ref().map(session).transpose()
    }

    /// The session with this id, expired or not.
    pub async fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(session).transpose()
    }

    /// Notes that the session was used.
    pub async fn touch_session(&mut self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(TOUCH, [id.into(), now.into()]).await.map(drop)
    }

    /// A person's sessions, newest first.
    pub async fn sessions_of(&mut self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.rows(OF_USER, [user.into()]).await?.iter().map(session).collect()
    }

    /// A person's sessions that were signed in with a forge, newest first.
    pub async fn sessions_of_forge(
        &mut self,
        user: UserId,
        forge: ForgeId,
    ) -> Result<Vec<Session>, StoreError> {
        self.rows(OF_FORGE, [user.into(), forge.into()]).await?.iter().map(session).collect()
    }

    /// Who is signed in with which forge, each pair once.
    pub async fn signed_in_with(&mut self, now: Timestamp) -> Result<Vec<(UserId, ForgeId)>, StoreError> {
        let rows = self.rows(SIGNED_IN_WITH, [now.into()]).await?;
        rows.iter().map(|row| Ok((row.parsed("user_id")?, row.parsed("signed_in_with")?))).collect()
    }

    /// Ends every session of one sign-in, on all hosts; says how many.
    pub async fn delete_sessions_of_sign_in(&mut self, sign_in: SessionId) -> Result<u64, StoreError> {
        self.execute(DELETE_OF_SIGN_IN, [sign_in.into()]).await
    }

    /// Ends a session; says whether there was one.
    pub async fn delete_session(&mut self, id: SessionId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }

    /// Ends all sessions of a person.
    pub async fn delete_sessions_of(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.execute(DELETE_OF_USER, [user.into()]).await
    }

    /// Removes sessions whose time is over; says how many.
    pub async fn delete_expired_sessions(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(DELETE_EXPIRED, [now.into()]).await
    }
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let id = row.parsed("id")?;
    Ok(Session {
        id,
        user: row.parsed("user_id")?,
        hash: row.token_hash("hash")?,
        user_agent: row.text("user_agent")?,
        created_at: row.time("created_at")?,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("expires_at")?,
        forge: row.optional_parsed("signed_in_with")?,
        // Absent in sessions that were made before there were groups of them.
        sign_in: row.optional_parsed("sign_in")?.unwrap_or(id),
    })
}
