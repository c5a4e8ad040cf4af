//! What a request with an `Idempotency-Key` was answered, so that a repeated one changes nothing.

use domain::{Timestamp, UserId};

use crate::error::StoreError;
use crate::statement::statements;
use crate::tx::Tx;

/// The answer to an earlier request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What the request asked for; the same key with another fingerprint is a mistake of the caller.
    pub fingerprint: String,
    /// What it was answered.
    pub response: String,
}

statements! { "idempotency", key "key";
    GET = "select key, fingerprint, response from idempotency where user_id = $1 and key = $2";
    INSERT = "insert into idempotency (user_id, key, fingerprint, response, created_at) \
              values ($1, $2, $3, $4, $5) on conflict do nothing";
    FORGET = "delete from idempotency where created_at < $1";
}

impl Tx {
    /// What a person's request with this key was answered, if there was one.
    pub async fn remembered(&mut self, user: UserId, key: &str) -> Result<Option<Remembered>, StoreError> {
        let row = self.row(GET, [user.into(), key.into()]).await?;
        row.map(|row| {
            Ok(Remembered { fingerprint: row.text("fingerprint")?, response: row.text("response")? })
        })
        .transpose()
    }

    /// Keeps the answer to a request, in the transaction that did what it asked for.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "idempotency key" }` when the same request came twice at the same time and the
    /// other one was faster: drop the transaction and give the other's answer.
    pub async fn remember(
        &mut self,
        user: UserId,
        key: &str,
        fingerprint: &str,
        response: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = [user.into(), key.into(), fingerprint.into(), response.into(), now.into()];
        self.insert("idempotency key", INSERT, values).await
    }

    /// Forgets answers older than `time`; says how many.
    pub async fn forget_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        self.execute(FORGET, [time.into()]).await
    }
}
