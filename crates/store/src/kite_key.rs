//! Kite keys: what programs register with. The keys themselves are signed texts that are kept nowhere here.
//!
//! What a person calls a key is a *family*: each re-issue is a row of its own, the one before ends soon after, and
//! all of them are revoked together.

use std::collections::BTreeSet;

use domain::{KiteKeyId, TeamId, Timestamp, UserId};

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// One issue of a kite key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteKeyRow {
    /// The `jti` of the signed text.
    pub id: KiteKeyId,
    /// The first issue's id, by which people know the key.
    pub family: KiteKeyId,
    /// Whose.
    pub user: UserId,
    /// The team whose members may call what registers with it, if it was made for one.
    pub team: Option<TeamId>,
    /// What its owner calls it.
    pub name: String,
    /// The registry's pair that signed it.
    pub signed_by: String,
    /// When the family began.
    pub created_at: Timestamp,
    /// When this one was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The issue that takes its place, once there is one.
    pub replaced_by: Option<KiteKeyId>,
    /// When it was last used, if it was; a few minutes stale.
    pub last_used_at: Option<Timestamp>,
}

statements! { "kite_keys", key "id";
    INSERT = "insert into kite_keys (id, family, user_id, team, name, signed_by, created_at, issued_at, \
              expires_at, replaced_by, last_used_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
              on conflict do nothing";
    BY_ID = "select id, family, user_id, team, name, signed_by, created_at, issued_at, expires_at, replaced_by, \
             last_used_at from kite_keys where id = $1";
    NEWEST = "select id, family, user_id, team, name, signed_by, created_at, issued_at, expires_at, replaced_by, \
              last_used_at from kite_keys where user_id = $1 and family = $2 and replaced_by is null",
        postgres " for update";
    OF_USER = "select id, family, user_id, team, name, signed_by, created_at, issued_at, expires_at, replaced_by, \
               last_used_at from kite_keys where user_id = $1 order by id desc";
    REPLACE = "update kite_keys set replaced_by = $2, expires_at = case when expires_at < $3 then expires_at \
               else $3 end where id = $1 and replaced_by is null";
    TOUCH = "update kite_keys set last_used_at = $2 \
             where id = $1 and (last_used_at is null or last_used_at < $2)";
    DELETE_FAMILY = "delete from kite_keys where user_id = $1 and family = $2";
    COUNT_SIGNED_BY = "select count(*) as count from kite_keys where signed_by = $1 and expires_at > $2";
    GOOD_FAMILY = "select count(*) as count from kite_keys where family = $1 and expires_at > $2";
    COUNT_OF_TEAM = "select count(*) as count from kite_keys where team = $1 and expires_at > $2";
    DELETE_NOT_SIGNED_BY = "delete from kite_keys where signed_by <> $1";
    SWEEP = "delete from kite_keys where expires_at <= $1 returning id, user_id";
}

impl Tx {
    /// Adds an issue of a kite key.
    ///
    /// # Errors
    ///
    /// `Conflict` when the person or the team is gone.
    pub async fn insert_kite_key(&mut self, key: &KiteKeyRow) -> Result<(), StoreError> {
        let values = [
            key.id.into(),
            key.family.into(),
            key.user.into(),
            key.team.into(),
            key.name.as_str().into(),
            key.signed_by.as_str().into(),
            key.created_at.into(),
            key.issued_at.into(),
            key.expires_at.into(),
            key.replaced_by.into(),
            key.last_used_at.into(),
        ];
        self.insert("kite key", INSERT, values).await
    }

    /// The issue with this id, over or not.
    pub async fn kite_key(&mut self, id: KiteKeyId) -> Result<Option<KiteKeyRow>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(key).transpose()
    }

    /// The newest issue of one of a person's keys, which nobody else can replace before this transaction ends.
    /// On PostgreSQL there is none while somebody else has just replaced it; asked again, there is.
    pub async fn newest_kite_key(
        &mut self,
        user: UserId,
        family: KiteKeyId,
    ) -> Result<Option<KiteKeyRow>, StoreError> {
        self.row(NEWEST, [user.into(), family.into()]).await?.as_ref().map(key).transpose()
    }

    /// Every issue of a person's keys, newest first, over or not.
    pub async fn kite_keys_of(&mut self, user: UserId) -> Result<Vec<KiteKeyRow>, StoreError> {
        self.rows(OF_USER, [user.into()]).await?.iter().map(key).collect()
    }

    /// Notes which issue takes the place of another, which ends at `until` unless it does so before; `false`, and
    /// no change, when one has taken it already.
    pub async fn replace_kite_key(
        &mut self,
        id: KiteKeyId,
        by: KiteKeyId,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(REPLACE, [id.into(), by.into(), until.into()]).await? > 0)
    }

    /// Notes that the key was used.
    pub async fn touch_kite_key(&mut self, id: KiteKeyId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(TOUCH, [id.into(), now.into()]).await.map(drop)
    }

    /// Revokes all issues of one of a person's keys, also one that somebody adds at this moment; says whether there
    /// were any.
    pub async fn delete_kite_key(&mut self, user: UserId, family: KiteKeyId) -> Result<bool, StoreError> {
        let mut any = false;
        // On PostgreSQL a statement waits for whoever replaces an issue, and does not see the one that takes its
        // place; the next statement does.
        while self.execute(DELETE_FAMILY, [user.into(), family.into()]).await? > 0 {
            any = true;
        }
        Ok(any)
    }

    /// How many keys that are good at `now` one of the registry's pairs signed.
    pub async fn count_kite_keys_signed_by(&mut self, kid: &str, now: Timestamp) -> Result<u64, StoreError> {
        self.count(COUNT_SIGNED_BY, [kid.into(), now.into()]).await
    }

    /// Whether any issue of a key is good at `now`.
    pub async fn is_kite_key_good(&mut self, family: KiteKeyId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.count(GOOD_FAMILY, [family.into(), now.into()]).await? > 0)
    }

    /// How many issues that are good at `now` were made for a team.
    pub async fn count_kite_keys_of_team(&mut self, team: TeamId, now: Timestamp) -> Result<u64, StoreError> {
        self.count(COUNT_OF_TEAM, [team.into(), now.into()]).await
    }

    /// Revokes whatever other pairs of the registry than `kid` have signed; says how many.
    pub async fn delete_kite_keys_not_signed_by(&mut self, kid: &str) -> Result<u64, StoreError> {
        let mut deleted = 0;
        // Until nothing is left, as in `delete_kite_key`.
        loop {
            match self.execute(DELETE_NOT_SIGNED_BY, [kid.into()]).await? {
                0 => return Ok(deleted),
                more => deleted += more,
            }
        }
    }

    /// Removes issues that are over; says whose they were.
    pub async fn sweep_kite_keys(&mut self, now: Timestamp) -> Result<BTreeSet<UserId>, StoreError> {
        self.rows(SWEEP, [now.into()]).await?.iter().map(|row| row.parsed("user_id")).collect()
    }
}

fn key(row: &Row) -> Result<KiteKeyRow, StoreError> {
    Ok(KiteKeyRow {
        id: row.parsed("id")?,
        family: row.parsed("family")?,
        user: row.parsed("user_id")?,
        team: row.optional_parsed("team")?,
        name: row.text("name")?,
        signed_by: row.text("signed_by")?,
        created_at: row.time("created_at")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
        replaced_by: row.optional_parsed("replaced_by")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}
