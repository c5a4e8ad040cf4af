//! One-shot work for the machine: forgetting sealed disks that nothing needs any more.

use std::time::Duration;

use domain::{SignedDuration, SnapshotId, Timestamp};
use runtime::DriverError;
use store::Job;

use super::worker::LEASE;
use crate::control::Control;
use crate::error::Error;
use crate::links::REVOKE_TOKENS;
use crate::ssh_keys::SSH_UPLOAD;
use crate::workspace::{FORGET_SNAPSHOT, is_needed};

/// Jobs claimed at once; the next pass takes the next ones.
const BATCH: u32 = 16;
/// Tries before a job is kept for people to look at: about a day.
const ATTEMPTS: u32 = 24;
/// Pause before a job is tried again.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// Longest pause without being woken.
const IDLE: Duration = Duration::from_secs(30);
/// How long the machine may take.
const LIMIT: Duration = Duration::from_mins(1);

impl Control {
    /// Runs jobs for ever, one after the other: none is urgent.
    pub(super) async fn keep_jobs(self) {
        loop {
            if let Err(error) = self.run_jobs().await {
                tracing::warn!(error = %error, "cannot run jobs");
            }
            tokio::select! {
                () = self.inner.job_wake.notified() => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    /// Runs the jobs that are due.
    async fn run_jobs(&self) -> Result<(), Error> {
        let now = self.now();
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let mut tx = self.inner.store.begin().await?;
        let jobs = tx.claim_jobs(now, until, &self.inner.settings.server, BATCH).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        tx.commit().await?;
        for job in jobs {
            let done = tokio::time::timeout(LIMIT, self.run_job(&job)).await;
            let done = done.unwrap_or_else(|_| Err("the machine did not answer".into()));
            let mut tx = self.inner.store.begin().await?;
            match done {
                Ok(()) => tx.finish_job(job.id).await?,
                Err(why) if job.attempt + 1 >= ATTEMPTS => {
                    tracing::error!(kind = job.kind, "job given up: {why}");
                    tx.give_up_job(job.id, &why).await?;
                }
                Err(why) => {
                    tracing::warn!(kind = job.kind, "job did not work: {why}");
                    let due = self.now().checked_add(AGAIN).unwrap_or(Timestamp::MAX);
                    tx.retry_job(job.id, due, &why).await?;
                }
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn run_job(&self, job: &Job) -> Result<(), String> {
        match job.kind.as_str() {
            FORGET_SNAPSHOT => {
                let id =
                    job.payload.get("snapshot").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
                let id = id.ok_or("the job names no snapshot")?;
                self.forget_snapshot(id).await.map_err(|error| error.to_string())
            }
            SSH_UPLOAD => self.upload_key(job).await,
            REVOKE_TOKENS => self.revoke_tokens(job).await,
            other => Err(format!("this release does not know jobs of kind `{other}`")),
        }
    }

    async fn forget_snapshot(&self, id: SnapshotId) -> Result<(), Error> {
        let mut tx = self.inner.store.read().await?;
        if is_needed(&mut tx, id).await? {
            return Ok(());
        }
        drop(tx);
        match self.inner.driver.remove_snapshot(id).await {
            Ok(()) | Err(DriverError::NoSnapshot(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
