//! Attempts: round trips to a forge's consent page, under way.

use domain::{AttemptId, ForgeId, SignedDuration, Timestamp};
use vault::TokenHash;

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

/// One round trip to a forge's consent page.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Id; also the row of what is sealed for it.
    pub id: AttemptId,
    /// Hash of the `state` that the forge sends back.
    pub state: TokenHash,
    /// Hash of the cookie of the browser that began it.
    pub browser: TokenHash,
    /// The forge.
    pub forge: ForgeId,
    /// What for, and where to go afterwards; its maker's own document.
    pub details: serde_json::Value,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What is sealed for an attempt that was taken is removed by whoever took it, or, had that server
/// died, this much later.
const LEFT_BEHIND: SignedDuration = SignedDuration::from_hours(1);

statements! { "attempts", key "id";
    INSERT = "insert into attempts \
              (id, state_hash, browser_hash, forge, details, created_at, expires_at) \
              values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
    TAKE = "delete from attempts where state_hash = $1 \
            returning id, state_hash, browser_hash, forge, details, created_at, expires_at";
    SWEEP_SEALED = "delete from sealed where row in (select id from attempts where expires_at <= $1) \
                    or (kind = 'attempt.private' and updated_at <= $2 \
                    and not exists (select id from attempts where attempts.id = sealed.row))";
    SWEEP = "delete from attempts where expires_at <= $1";
}

impl Tx {
    /// Adds an attempt.
    pub async fn insert_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        let values = [
            attempt.id.into(),
            attempt.state.as_bytes().into(),
            attempt.browser.as_bytes().into(),
            attempt.forge.into(),
            json(&attempt.details)?.into(),
            attempt.created_at.into(),
            attempt.expires_at.into(),
        ];
        self.insert("attempt", INSERT, values).await
    }

    /// Takes an attempt out, over or not: of several callers one gets it. What is sealed for it stays,
    /// for the caller to open and delete.
    pub async fn take_attempt(&mut self, state: &TokenHash) -> Result<Option<Attempt>, StoreError> {
        self.row(TAKE, [state.as_bytes().into()]).await?.as_ref().map(attempt).transpose()
    }

    /// Removes attempts whose time is over, and what is sealed for them; says how many.
    pub async fn sweep_attempts(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let left_behind = now.checked_sub(LEFT_BEHIND).unwrap_or(Timestamp::MIN);
        self.execute(SWEEP_SEALED, [now.into(), left_behind.into()]).await?;
        self.execute(SWEEP, [now.into()]).await
    }
}

fn attempt(row: &Row) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: row.parsed("id")?,
        state: row.token_hash("state_hash")?,
        browser: row.token_hash("browser_hash")?,
        forge: row.parsed("forge")?,
        details: row.json("details")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
