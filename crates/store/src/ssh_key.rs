//! People's SSH keys, without the private halves.

use domain::{SshAlgorithm, Timestamp, UserId};

use crate::error::StoreError;
use crate::statement::statements;
use crate::tx::Tx;

/// A person's SSH key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeyRow {
    /// Whose.
    pub user: UserId,
    /// How it was made.
    pub algorithm: SshAlgorithm,
    /// As it goes into `authorized_keys`.
    pub public_key: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: Timestamp,
}

statements! { "ssh_keys", key "user_id";
    PUT = "insert into ssh_keys (user_id, algorithm, public_key, fingerprint, created_at) \
           values ($1, $2, $3, $4, $5) on conflict (user_id) do update set algorithm = excluded.algorithm, \
           public_key = excluded.public_key, fingerprint = excluded.fingerprint, \
           created_at = excluded.created_at";
    GET = "select user_id, algorithm, public_key, fingerprint, created_at from ssh_keys where user_id = $1";
}

impl Tx {
    /// Keeps a person's key, instead of the one before.
    pub async fn put_ssh_key(&mut self, key: &SshKeyRow) -> Result<(), StoreError> {
        let values = [
            key.user.into(),
            key.algorithm.as_str().into(),
            key.public_key.as_str().into(),
            key.fingerprint.as_str().into(),
            key.created_at.into(),
        ];
        self.execute(PUT, values).await.map(drop)
    }

    /// A person's key.
    pub async fn ssh_key(&mut self, user: UserId) -> Result<Option<SshKeyRow>, StoreError> {
        let Some(row) = self.row(GET, [user.into()]).await? else { return Ok(None) };
        Ok(Some(SshKeyRow {
            user: row.parsed("user_id")?,
            algorithm: row.parsed("algorithm")?,
            public_key: row.text("public_key")?,
            fingerprint: row.text("fingerprint")?,
            created_at: row.time("created_at")?,
        }))
    }
}
