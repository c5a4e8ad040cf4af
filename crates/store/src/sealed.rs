//! Sealed values: ciphertext, by kind and by the row each belongs to.

use domain::{DataKeyId, KeyOwner, Timestamp};
use vault::Sealed;

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// One sealed value and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// What it is: `link.access_token`.
    pub kind: String,
    /// The row it belongs to: an id, for some kinds with a name behind it.
    pub row: String,
    /// Whose keys seal it.
    pub owner: KeyOwner,
    /// The data key that sealed it.
    pub key: DataKeyId,
    /// The ciphertext.
    pub value: Sealed,
    /// When it was sealed.
    pub updated_at: Timestamp,
}

statements! { "sealed", key "row";
    PUT = "insert into sealed (kind, row, owner, key, value, updated_at) values ($1, $2, $3, $4, $5, $6) \
           on conflict (kind, row) do update set owner = excluded.owner, key = excluded.key, \
           value = excluded.value, updated_at = excluded.updated_at";
    GET = "select kind, row, owner, key, value, updated_at from sealed where kind = $1 and row = $2";
    HAS = "select count(*) as count from sealed where kind = $1 and row = $2";
    DELETE = "delete from sealed where kind = $1 and row = $2";
    DELETE_OF_ROW = "delete from sealed where row = $1";
    DELETE_OF_OWNER = "delete from sealed where owner = $1";
    BY_RETIRED = "select s.kind, s.row, s.owner, s.key, s.value, s.updated_at from sealed s \
                  join data_keys k on k.id = s.key where k.retired_at is not null \
                  order by s.kind, s.row limit $1";
    SWAP = "update sealed set value = $4, key = $5 where kind = $1 and row = $2 and value = $3";
    COUNT = "select count(*) as count from sealed";
    COUNT_BY_RETIRED = "select count(*) as count from sealed s \
                        join data_keys k on k.id = s.key where k.retired_at is not null";
}

impl Tx {
    /// Keeps a sealed value, instead of the one before. The key is the one the value itself names.
    ///
    /// # Errors
    ///
    /// `Unavailable` when there is no such data key: its owner was deleted meanwhile.
    pub async fn put_sealed(
        &mut self,
        kind: &str,
        row: &str,
        owner: KeyOwner,
        value: &Sealed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = [
            kind.into(),
            row.into(),
            owner.into(),
            value.key_id().into(),
            value.as_bytes().into(),
            now.into(),
        ];
        self.execute(PUT, values).await.map(drop)
    }

    /// The sealed value of this kind and row.
    pub async fn sealed(&mut self, kind: &str, row: &str) -> Result<Option<SealedRow>, StoreError> {
        self.row(GET, [kind.into(), row.into()]).await?.as_ref().map(sealed).transpose()
    }

    /// Whether there is a sealed value of this kind and row.
    pub async fn has_sealed(&mut self, kind: &str, row: &str) -> Result<bool, StoreError> {
        Ok(self.count(HAS, [kind.into(), row.into()]).await? > 0)
    }

    /// Deletes one sealed value; says whether there was one.
    pub async fn delete_sealed(&mut self, kind: &str, row: &str) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [kind.into(), row.into()]).await? > 0)
    }

    /// Deletes the sealed values of every kind that belong to one row; says how many.
    pub async fn delete_sealed_of_row(&mut self, row: &str) -> Result<u64, StoreError> {
        self.execute(DELETE_OF_ROW, [row.into()]).await
    }

    /// Deletes every sealed value of one owner; says how many. The keys stay.
    pub async fn delete_sealed_of_owner(&mut self, owner: KeyOwner) -> Result<u64, StoreError> {
        self.execute(DELETE_OF_OWNER, [owner.into()]).await
    }

    /// Up to `limit` values that a retired data key sealed.
    pub async fn sealed_by_retired(&mut self, limit: u32) -> Result<Vec<SealedRow>, StoreError> {
        self.rows(BY_RETIRED, [limit.into()]).await?.iter().map(sealed).collect()
    }

    /// Replaces a sealed value by the same one sealed anew; `false`, and no change, when it is another
    /// one by now.
    pub async fn swap_sealed(
        &mut self,
        kind: &str,
        row: &str,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let values =
            [kind.into(), row.into(), old.as_bytes().into(), new.as_bytes().into(), new.key_id().into()];
        Ok(self.execute(SWAP, values).await? > 0)
    }

    /// How many sealed values there are.
    pub async fn count_sealed(&mut self) -> Result<u64, StoreError> {
        self.count(COUNT, []).await
    }

    /// How many of them a retired data key sealed.
    pub async fn count_sealed_by_retired(&mut self) -> Result<u64, StoreError> {
        self.count(COUNT_BY_RETIRED, []).await
    }
}

fn sealed(row: &Row) -> Result<SealedRow, StoreError> {
    let value = Sealed::from_bytes(row.bytes("value")?).map_err(|_| row.corrupt("value"))?;
    let key = row.parsed("key")?;
    if value.key_id() != key {
        return Err(row.corrupt("key"));
    }
    Ok(SealedRow {
        kind: row.text("kind")?,
        row: row.text("row")?,
        owner: row.parsed("owner")?,
        key,
        value,
        updated_at: row.time("updated_at")?,
    })
}
