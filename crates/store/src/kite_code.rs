//! One-time codes that a new machine trades for a kite key.

use domain::{TeamId, Timestamp, UserId};
use vault::TokenHash;

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// A code, without the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteCodeRow {
    /// Hash of the code.
    pub hash: TokenHash,
    /// Whose key it becomes.
    pub user: UserId,
    /// The team the key is for, if any.
    pub team: Option<TeamId>,
    /// When the code ends.
    pub expires_at: Timestamp,
}

statements! { "kite_codes", key "user_id";
    INSERT = "insert into kite_codes (hash, user_id, team, expires_at) values ($1, $2, $3, $4) \
              on conflict do nothing";
    TAKE = "delete from kite_codes where hash = $1 returning hash, user_id, team, expires_at";
    COUNT_OF = "select count(*) as count from kite_codes where user_id = $1";
    DELETE_OF = "delete from kite_codes where user_id = $1";
    SWEEP = "delete from kite_codes where expires_at <= $1";
}

impl Tx {
    /// Adds a code.
    pub async fn insert_kite_code(&mut self, code: &KiteCodeRow) -> Result<(), StoreError> {
        let values =
            [code.hash.as_bytes().into(), code.user.into(), code.team.into(), code.expires_at.into()];
        self.insert("code", INSERT, values).await
    }

    /// Takes a code out, over or not: of several callers one gets it.
    pub async fn take_kite_code(&mut self, hash: &TokenHash) -> Result<Option<KiteCodeRow>, StoreError> {
        self.row(TAKE, [hash.as_bytes().into()]).await?.as_ref().map(code).transpose()
    }

    /// How many codes somebody has, over or not.
    pub async fn count_kite_codes(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.count(COUNT_OF, [user.into()]).await
    }

    /// Takes all codes of somebody back; says how many.
    pub async fn delete_kite_codes_of(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.execute(DELETE_OF, [user.into()]).await
    }

    /// Removes codes whose time is over; says how many.
    pub async fn sweep_kite_codes(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(SWEEP, [now.into()]).await
    }
}

fn code(row: &Row) -> Result<KiteCodeRow, StoreError> {
    Ok(KiteCodeRow {
        hash: row.token_hash("hash")?,
        user: row.parsed("user_id")?,
        team: row.optional_parsed("team")?,
        expires_at: row.time("expires_at")?,
    })
}
