//! Data keys, wrapped by the platform key.

use domain::{DataKeyId, KeyOwner, Timestamp};
use vault::Wrapped;

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// A data key as it is stored: only the platform key can open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyRow {
    /// Id.
    pub id: DataKeyId,
    /// Whose secrets it seals.
    pub owner: KeyOwner,
    /// The key itself, wrapped.
    pub wrapped: Wrapped,
    /// The version of the platform key that wrapped it.
    pub wrapped_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it only opens; it seals what is new where absent.
    pub retired_at: Option<Timestamp>,
}

/// How many data keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataKeyCounts {
    /// In all.
    pub all: u64,
    /// Of these, those that only open.
    pub retired: u64,
    /// Of all, those wrapped by another version of the platform key than the one asked for.
    pub wrapped_by_other: u64,
}

statements! { "data_keys", key "id";
    INSERT = "insert into data_keys (id, owner, wrapped, wrapped_by, created_at, retired_at) \
              values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    BY_ID = "select id, owner, wrapped, wrapped_by, created_at, retired_at from data_keys where id = $1";
    CURRENT = "select id, owner, wrapped, wrapped_by, created_at, retired_at \
               from data_keys where owner = $1 and retired_at is null";
    NOT_WRAPPED_BY = "select id, owner, wrapped, wrapped_by, created_at, retired_at \
                      from data_keys where wrapped_by <> $1 and id > $2 order by id limit $3";
    SAVE_WRAPPED = "update data_keys set wrapped = $2, wrapped_by = $3 where id = $1";
    RETIRE_ALL = "update data_keys set retired_at = $1 where retired_at is null";
    RETIRE_OLD = "update data_keys set retired_at = $1 where retired_at is null and created_at <= $2";
    RETIRE = "update data_keys set retired_at = $2 where id = $1 and retired_at is null";
    DELETE_SEALED_OF = "delete from sealed where owner = $1 \
                        or key in (select id from data_keys where owner = $1)";
    DELETE_OF = "delete from data_keys where owner = $1";
    DELETE_UNUSED = "delete from data_keys where retired_at <= $1 \
                     and not exists (select key from sealed where sealed.key = data_keys.id)";
    COUNT = "select count(*) as count from data_keys";
    COUNT_RETIRED = "select count(*) as count from data_keys where retired_at is not null";
    COUNT_OTHER = "select count(*) as count from data_keys where wrapped_by <> $1";
}

impl Tx {
    /// Adds a data key.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "data key" }` when its owner has one that is not retired: another server was
    /// faster, and its key is to be used.
    pub async fn insert_data_key(&mut self, key: &DataKeyRow) -> Result<(), StoreError> {
        let values = [
            key.id.into(),
            key.owner.into(),
            key.wrapped.as_bytes().into(),
            key.wrapped_by.as_str().into(),
            key.created_at.into(),
            key.retired_at.into(),
        ];
        self.insert("data key", INSERT, values).await
    }

    /// The data key with this id, retired or not.
    pub async fn data_key(&mut self, id: DataKeyId) -> Result<Option<DataKeyRow>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(data_key).transpose()
    }

    /// The data key that seals what is new of `owner`, if one was made.
    pub async fn current_data_key(&mut self, owner: KeyOwner) -> Result<Option<DataKeyRow>, StoreError> {
        self.row(CURRENT, [owner.into()]).await?.as_ref().map(data_key).transpose()
    }

    /// Up to `limit` data keys wrapped by another version of the platform key than `version`, in the
    /// order of their ids; those behind `after`, which begins with [`DataKeyId::NIL`].
    pub async fn data_keys_not_wrapped_by(
        &mut self,
        version: &str,
        after: DataKeyId,
        limit: u32,
    ) -> Result<Vec<DataKeyRow>, StoreError> {
        let values = [version.into(), after.into(), limit.into()];
        self.rows(NOT_WRAPPED_BY, values).await?.iter().map(data_key).collect()
    }

    /// Keeps a data key wrapped anew; says whether the key is still there.
    pub async fn save_wrapped(
        &mut self,
        id: DataKeyId,
        wrapped: &Wrapped,
        wrapped_by: &str,
    ) -> Result<bool, StoreError> {
        let values = [id.into(), wrapped.as_bytes().into(), wrapped_by.into()];
        Ok(self.execute(SAVE_WRAPPED, values).await? > 0)
    }

    /// Retires every data key that seals; says how many. What is new gets new keys.
    pub async fn retire_current_data_keys(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(RETIRE_ALL, [now.into()]).await
    }

    /// Retires the data keys that were made at `before` or earlier; says how many.
    pub async fn retire_old_data_keys(
        &mut self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(RETIRE_OLD, [now.into(), before.into()]).await
    }

    /// Retires one data key; `false` when it was retired already or is gone.
    pub async fn retire_data_key(&mut self, id: DataKeyId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(RETIRE, [id.into(), now.into()]).await? > 0)
    }

    /// Deletes every data key of `owner` and all that was sealed with them: it can never be read again
    /// here. An earlier copy of the database still has the wrapped keys, so its age is the horizon. Says how many
    /// keys there were.
    pub async fn delete_data_keys_of(&mut self, owner: KeyOwner) -> Result<u64, StoreError> {
        self.execute(DELETE_SEALED_OF, [owner.into()]).await?;
        self.execute(DELETE_OF, [owner.into()]).await
    }

    /// Deletes data keys that were retired at `before` or earlier and that nothing is sealed with any more;
    /// says how many.
    ///
    /// # Errors
    ///
    /// Also when another server seals with one of them at this very moment: to be tried again later.
    pub async fn delete_unused_retired_data_keys(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(DELETE_UNUSED, [before.into()]).await
    }

    /// Counts data keys; `version` is the platform key's present version.
    pub async fn count_data_keys(&mut self, version: &str) -> Result<DataKeyCounts, StoreError> {
        Ok(DataKeyCounts {
            all: self.count(COUNT, []).await?,
            retired: self.count(COUNT_RETIRED, []).await?,
            wrapped_by_other: self.count(COUNT_OTHER, [version.into()]).await?,
        })
    }
}

fn data_key(row: &Row) -> Result<DataKeyRow, StoreError> {
    Ok(DataKeyRow {
        id: row.parsed("id")?,
        owner: row.parsed("owner")?,
        wrapped: Wrapped::from_bytes(row.bytes("wrapped")?),
        wrapped_by: row.text("wrapped_by")?,
        created_at: row.time("created_at")?,
        retired_at: row.optional_time("retired_at")?,
    })
}
