//! Jobs: one-shot work for the outside world, such as a webhook to deliver.

use std::fmt;

use domain::Timestamp;

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

/// Names a job. Given by the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job_{}", self.0)
    }
}

/// A job that this server has the lease of.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Id.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// What exactly.
    pub payload: serde_json::Value,
    /// How often it was tried before: retries, and leases that ran out.
    pub attempt: u32,
}

statements! { "jobs", key "id";
    ENQUEUE = "insert into jobs (kind, key, payload, due, attempt, given_up) values ($1, $2, $3, $4, 0, 0) \
               on conflict do nothing";
    CLAIM = "with picked as materialized (\
             select id from jobs \
             where given_up = 0 and due <= $1 and (lease_until is null or lease_until <= $1) \
             order by due, id limit $2", postgres " for update skip locked", ") \
             update jobs set lease_owner = $3, lease_until = $4, \
             attempt = attempt + case when lease_until is null then 0 else 1 end \
             where id in (select id from picked) \
             returning id, kind, payload, attempt, due";
    FINISH = "delete from jobs where id = $1";
    RETRY = "update jobs set due = $2, last_problem = $3, attempt = attempt + 1, \
             lease_owner = null, lease_until = null where id = $1 and given_up = 0";
    GIVE_UP = "update jobs set given_up = 1, last_problem = $2, lease_owner = null, lease_until = null \
               where id = $1";
}

impl Tx {
    /// Adds a job to run from `due` on; `false` when one of this kind and key is not done yet.
    ///
    /// A job that is being worked on counts as not done: with a key, the payload must be enough to
    /// find everything out afresh at the time it runs.
    pub async fn enqueue_job(
        &mut self,
        kind: &str,
        key: Option<&str>,
        payload: &serde_json::Value,
        due: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = [kind.into(), key.into(), json(payload)?.into(), due.into()];
        Ok(self.execute(ENQUEUE, values).await? > 0)
    }

    /// Takes up to `limit` jobs that are due and nobody holds, longest due first.
    pub async fn claim_jobs(
        &mut self,
        now: Timestamp,
        lease_until: Timestamp,
        owner: &str,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let values = [now.into(), limit.into(), owner.into(), lease_until.into()];
        let mut rows = self.rows(CLAIM, values).await?;
        rows.sort_by_key(|row| (row.integer("due").unwrap_or(0), row.integer("id").unwrap_or(0)));
        rows.iter().map(job).collect()
    }

    /// Removes a job that is done.
    pub async fn finish_job(&mut self, id: JobId) -> Result<(), StoreError> {
        self.execute(FINISH, [id.0.into()]).await.map(drop)
    }

    /// Gives a job back to be tried again at `due`, and keeps what went wrong.
    pub async fn retry_job(&mut self, id: JobId, due: Timestamp, error: &str) -> Result<(), StoreError> {
        self.execute(RETRY, [id.0.into(), due.into(), error.into()]).await.map(drop)
    }

    /// Keeps a job for people to look at, but never runs it again.
    pub async fn give_up_job(&mut self, id: JobId, error: &str) -> Result<(), StoreError> {
        self.execute(GIVE_UP, [id.0.into(), error.into()]).await.map(drop)
    }
}

fn job(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: JobId(row.integer("id")?),
        kind: row.text("kind")?,
        payload: row.json("payload")?,
        attempt: row.number("attempt")?,
    })
}
