//! Who renews a link's credential: a lease, so that of many callers and servers one asks the forge.

use domain::{LinkId, SignedDuration, Timestamp};

use crate::error::StoreError;
use crate::statement::statements;
use crate::tx::Tx;

/// No lease is longer. One that seems to be was taken before the clock was set back.
const FAR: SignedDuration = SignedDuration::from_mins(10);

/// Who renews a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshState {
    /// Who holds the lease.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
    /// When the request went out, if it did: from then on the old credential may be void.
    pub sent_at: Option<Timestamp>,
}

statements! { "links", key "id";
    CLAIM = "update links set refresh_owner = $3, refresh_until = $5, refresh_sent_at = null \
             where id = $1 and generation = $2 \
             and (refresh_until is null or refresh_until <= $4 or refresh_until > $6)";
    STATE = "select id, refresh_owner, refresh_until, refresh_sent_at from links \
             where id = $1 and refresh_owner is not null and refresh_until is not null";
    SENT = "update links set refresh_sent_at = $3 where id = $1 and refresh_owner = $2";
    END = "update links set refresh_owner = null, refresh_until = null, refresh_sent_at = null \
           where id = $1 and refresh_owner = $2";
}

impl Tx {
    /// Takes the lease on renewing a link's credential; `false` when somebody holds it, when the
    /// credential is not of this generation any more, or when the link is gone.
    pub async fn claim_refresh(
        &mut self,
        id: LinkId,
        generation: u64,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let far = now.checked_add(FAR).unwrap_or(Timestamp::MAX);
        let values = [id.into(), generation.into(), owner.into(), now.into(), until.into(), far.into()];
        Ok(self.execute(CLAIM, values).await? > 0)
    }

    /// Who renews a link's credential, also when the lease has ended without [`Tx::end_refresh`].
    pub async fn refresh_state(&mut self, id: LinkId) -> Result<Option<RefreshState>, StoreError> {
        let Some(row) = self.row(STATE, [id.into()]).await? else { return Ok(None) };
        Ok(Some(RefreshState {
            owner: row.text("refresh_owner")?,
            until: row.time("refresh_until")?,
            sent_at: row.optional_time("refresh_sent_at")?,
        }))
    }

    /// Notes that the request goes out now; `false` when `owner` does not hold the lease.
    pub async fn mark_refresh_sent(
        &mut self,
        id: LinkId,
        owner: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(SENT, [id.into(), owner.into(), now.into()]).await? > 0)
    }

    /// Gives the lease back; `false` when `owner` does not hold it.
    pub async fn end_refresh(&mut self, id: LinkId, owner: &str) -> Result<bool, StoreError> {
        Ok(self.execute(END, [id.into(), owner.into()]).await? > 0)
    }
}
