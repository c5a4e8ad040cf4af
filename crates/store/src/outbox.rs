//! The outbox: for every workspace the one thing that must happen outside, with generation and lease.
//!
//! The newest wish wins. Each `put` counts the generation up, so whoever performed an older one cannot
//! mark the newer one as done. Who claims an effect has it until the lease ends; a server that died
//! holds nothing for longer than that.

use domain::{Effect, SignedDuration, Timestamp, WorkspaceId};

use crate::error::StoreError;
use crate::row::{Row, word};
use crate::statement::statements;
use crate::tx::Tx;

/// No effect is put off, and no lease taken, for longer than this. One that seems to be was written
/// before the clock was set back, and must not wait until it has caught up.
const FAR: SignedDuration = SignedDuration::from_mins(10);

/// A wanted effect that this server has the lease of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEffect {
    /// For which workspace.
    pub workspace: WorkspaceId,
    /// What.
    pub effect: Effect,
    /// Which wish it is; goes back into `finish_effect` and `retry_effect`.
    pub generation: u64,
    /// How often it was tried before: retries, and leases that ran out.
    pub attempt: u32,
}

statements! { "effects", key "workspace";
    PUT = "insert into effects (workspace, effect, generation, due, attempt) values ($1, $2, 1, $3, 0) \
           on conflict (workspace) do update set effect = excluded.effect, due = excluded.due, \
           generation = effects.generation + 1, attempt = 0, lease_owner = null, lease_until = null";
    CLEAR = "update effects set effect = null, generation = generation + 1, \
             lease_owner = null, lease_until = null where workspace = $1";
    CLAIM = "with picked as materialized (\
             select workspace from effects \
             where effect is not null and (due <= $1 or due > $5) \
             and (lease_until is null or lease_until <= $1 or lease_until > $5) \
             order by due limit $2", postgres " for update skip locked", ") \
             update effects set lease_owner = $3, lease_until = $4, \
             attempt = attempt + case when lease_until is null then 0 else 1 end \
             where workspace in (select workspace from picked) \
             returning workspace, effect, generation, attempt, due";
    WANTED = "select workspace from effects where effect is not null order by workspace";
    RENEW = "update effects set lease_until = $4 \
             where workspace = $1 and generation = $2 and lease_owner = $3 and effect is not null";
    FINISH = "update effects set effect = null, lease_owner = null, lease_until = null \
              where workspace = $1 and generation = $2 and effect is not null";
    RETRY = "update effects set due = $3, attempt = attempt + 1, lease_owner = null, lease_until = null \
             where workspace = $1 and generation = $2 and effect is not null";
    RELEASE = "update effects set lease_owner = null, lease_until = null where lease_owner = $1";
    RELEASE_JOBS = "update jobs set lease_owner = null, lease_until = null where lease_owner = $1";
}

impl Tx {
    /// Wants `effect` for the workspace from `due` on, instead of whatever was wanted.
    ///
    /// It can be claimed at once, even while somebody still works on the one before: who performs
    /// effects keeps two of one workspace from running at the same time.
    pub async fn put_effect(
        &mut self,
        workspace: WorkspaceId,
        effect: Effect,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(PUT, [workspace.into(), word(&effect).into(), due.into()]).await.map(drop)
    }

    /// Wants nothing for the workspace any more.
    pub async fn clear_effect(&mut self, workspace: WorkspaceId) -> Result<(), StoreError> {
        self.execute(CLEAR, [workspace.into()]).await.map(drop)
    }

    /// Every workspace that something is wanted for, claimed or not.
    pub async fn wanted_effects(&mut self) -> Result<Vec<WorkspaceId>, StoreError> {
        self.rows(WANTED, []).await?.iter().map(|row| row.parsed("workspace")).collect()
    }

    /// Takes up to `limit` effects that are due and nobody holds, longest due first. Moments that
    /// nobody can have meant, because they are further away than any pause or lease, count as past.
    pub async fn claim_effects(
        &mut self,
        now: Timestamp,
        lease_until: Timestamp,
        owner: &str,
        limit: u32,
    ) -> Result<Vec<ClaimedEffect>, StoreError> {
        let far = now.checked_add(FAR).unwrap_or(Timestamp::MAX);
        let values = [now.into(), limit.into(), owner.into(), lease_until.into(), far.into()];
        let mut rows = self.rows(CLAIM, values).await?;
        // `returning` promises no order.
        rows.sort_by_key(|row| row.integer("due").unwrap_or(0));
        rows.iter().map(claimed).collect()
    }

    /// Holds a claimed effect for longer; `false` when it is no longer wanted or no longer held.
    pub async fn renew_effect(
        &mut self,
        workspace: WorkspaceId,
        generation: u64,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = [workspace.into(), generation.into(), owner.into(), lease_until.into()];
        Ok(self.execute(RENEW, values).await? > 0)
    }

    /// Marks an effect as performed; `false`, and no change, when something newer is wanted.
    pub async fn finish_effect(
        &mut self,
        workspace: WorkspaceId,
        generation: u64,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(FINISH, [workspace.into(), generation.into()]).await? > 0)
    }

    /// Gives an effect back to be tried again at `due`; `false`, and no change, when something newer
    /// is wanted.
    pub async fn retry_effect(
        &mut self,
        workspace: WorkspaceId,
        generation: u64,
        due: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(RETRY, [workspace.into(), generation.into(), due.into()]).await? > 0)
    }

    /// Gives back every lease of `owner`, on effects and jobs: for a server that starts or stops.
    pub async fn release_leases(&mut self, owner: &str) -> Result<u64, StoreError> {
        let effects = self.execute(RELEASE, [owner.into()]).await?;
        Ok(effects + self.execute(RELEASE_JOBS, [owner.into()]).await?)
    }
}

fn claimed(row: &Row) -> Result<ClaimedEffect, StoreError> {
    Ok(ClaimedEffect {
        workspace: row.parsed("workspace")?,
        effect: row.word("effect")?,
        generation: row.number("generation")?,
        attempt: row.number("attempt")?,
    })
}
