//! Hand-offs: a signed-in browser goes over to another host of this server.

use domain::{SessionId, Timestamp};
use vault::TokenHash;

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// One browser on its way from one host of this server to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    /// Hash of the code in the address.
    pub code: TokenHash,
    /// The session it has on the host it comes from.
    pub session: SessionId,
    /// Hash of the cookie that the host it goes to gave the browser.
    pub browser: TokenHash,
    /// The host it goes to.
    pub host: String,
    /// Where it wants to go there: a path.
    pub return_to: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

statements! { "handoffs", key "session";
    INSERT = "insert into handoffs (code_hash, session, browser_hash, host, return_to, expires_at) \
              values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    TAKE = "delete from handoffs where code_hash = $1 \
            returning code_hash, session, browser_hash, host, return_to, expires_at";
    SWEEP = "delete from handoffs where expires_at <= $1";
}

impl Tx {
    /// Adds a hand-off.
    pub async fn insert_handoff(&mut self, handoff: &Handoff) -> Result<(), StoreError> {
        let values = [
            handoff.code.as_bytes().into(),
            handoff.session.into(),
            handoff.browser.as_bytes().into(),
            handoff.host.as_str().into(),
            handoff.return_to.as_str().into(),
            handoff.expires_at.into(),
        ];
        self.insert("hand-off", INSERT, values).await
    }

    /// Takes a hand-off out, over or not: of several callers one gets it.
    pub async fn take_handoff(&mut self, code: &TokenHash) -> Result<Option<Handoff>, StoreError> {
        self.row(TAKE, [code.as_bytes().into()]).await?.as_ref().map(handoff).transpose()
    }

    /// Removes hand-offs whose time is over; says how many.
    pub async fn sweep_handoffs(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(SWEEP, [now.into()]).await
    }
}

fn handoff(row: &Row) -> Result<Handoff, StoreError> {
    Ok(Handoff {
        code: row.token_hash("code_hash")?,
        session: row.parsed("session")?,
        browser: row.token_hash("browser_hash")?,
        host: row.text("host")?,
        return_to: row.text("return_to")?,
        expires_at: row.time("expires_at")?,
    })
}
