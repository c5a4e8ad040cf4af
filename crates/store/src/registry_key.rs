//! The registry's pairs of keys: the public halves, and which one signs. The private halves are sealed.

use domain::Timestamp;

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// A pair of the registry's, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryKeyRow {
    /// Names the pair; derived from its public half.
    pub kid: String,
    /// The public half, PEM.
    pub public: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it only verifies; it signs what is new where absent.
    pub retired_at: Option<Timestamp>,
}

statements! { "registry_keys", key "kid";
    INSERT = "insert into registry_keys (kid, public, created_at, retired_at) values ($1, $2, $3, $4) \
              on conflict do nothing";
    ALL = "select kid, public, created_at, retired_at from registry_keys order by created_at desc, kid";
    RETIRE = "update registry_keys set retired_at = $1 where retired_at is null";
    DELETE = "delete from registry_keys where kid = $1 and retired_at is not null";
    // A key whose rows of kite keys are all over has nothing alive but tokens, which are as old as `retired_at`.
    UNUSED = "select kid, public, created_at, retired_at from registry_keys where retired_at <= $1 \
              and not exists (select id from kite_keys k where k.signed_by = registry_keys.kid \
              and k.expires_at > $2) order by kid";
}

impl Tx {
    /// Adds a pair.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "registry key" }` when there is one that signs: another server was faster, and its key
    /// is to be used.
    pub async fn insert_registry_key(&mut self, key: &RegistryKeyRow) -> Result<(), StoreError> {
        let values = [
            key.kid.as_str().into(),
            key.public.as_str().into(),
            key.created_at.into(),
            key.retired_at.into(),
        ];
        self.insert("registry key", INSERT, values).await
    }

    /// Every pair, the newest first.
    pub async fn registry_keys(&mut self) -> Result<Vec<RegistryKeyRow>, StoreError> {
        self.rows(ALL, []).await?.iter().map(key).collect()
    }

    /// Lets the pair that signs only verify from now on; says whether there was one.
    pub async fn retire_registry_key(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(RETIRE, [now.into()]).await? > 0)
    }

    /// Removes a retired pair; says whether there was one. Its private half is to be deleted with it.
    pub async fn delete_registry_key(&mut self, kid: &str) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [kid.into()]).await? > 0)
    }

    /// The pairs retired at `retired_before` or earlier that signed no kite key which is good at `now`.
    pub async fn unused_registry_keys(
        &mut self,
        retired_before: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<RegistryKeyRow>, StoreError> {
        self.rows(UNUSED, [retired_before.into(), now.into()]).await?.iter().map(key).collect()
    }
}

fn key(row: &Row) -> Result<RegistryKeyRow, StoreError> {
    Ok(RegistryKeyRow {
        kid: row.text("kid")?,
        public: row.text("public")?,
        created_at: row.time("created_at")?,
        retired_at: row.optional_time("retired_at")?,
    })
}
