//! Who did what: only ever added to.

use domain::{Timestamp, UserId};

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// One thing somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who; `None` for somebody who did not get in, and for the server itself.
    pub caller: Option<UserId>,
    /// What: `workspace.delete`.
    pub action: String,
    /// To what: an id or a name.
    pub subject: String,
    /// Anything else worth knowing.
    pub detail: String,
}

statements! { "audit", key "id";
    APPEND = "insert into audit (at, caller, action, subject, detail) values ($1, $2, $3, $4, $5)";
    PAGE = "select id, at, caller, action, subject, detail from audit where id < $1 \
            order by id desc limit $2";
}

impl Tx {
    /// Adds an entry.
    pub async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let values = [
            entry.at.into(),
            entry.caller.into(),
            entry.action.as_str().into(),
            entry.subject.as_str().into(),
            entry.detail.as_str().into(),
        ];
        self.execute(APPEND, values).await.map(drop)
    }

    /// One page, newest first: entries older than the one numbered `before`, with their numbers.
    pub async fn audit(
        &mut self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let rows = self.rows(PAGE, [before.unwrap_or(i64::MAX).into(), limit.into()]).await?;
        rows.iter().map(|row| Ok((row.integer("id")?, entry(row)?))).collect()
    }
}

fn entry(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        at: row.time("at")?,
        caller: row.optional_parsed("caller")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    })
}
