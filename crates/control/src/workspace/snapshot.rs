//! Snapshots: sealed disks to make workspaces from.
//!
//! The driver keeps a sealed disk until it is told to forget it. Before one is made, a job that would
//! forget it is put down; when that job runs it looks whether anything stands on the disk. So a crash
//! between sealing and recording leaves nothing behind for ever.

use domain::{Action, Caller, Phase, Scope, SignedDuration, SnapshotId, Timestamp, Workspace, WorkspaceId};
use runtime::DriverError;
use serde_json::json;
use store::{Snapshot, Tx};

use super::authorize;
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// The job that forgets a sealed disk which nothing needs.
pub(crate) const FORGET_SNAPSHOT: &str = "snapshot.forget";
/// Sealing takes milliseconds and recording it as well; by then both have long happened or never will.
const RECORDED_BY: SignedDuration = SignedDuration::from_mins(10);
/// Workspaces looked at in one read while searching for those that stand on a disk.
const PAGE: u32 = 200;

impl Control {
    /// Seals the disk of a stopped workspace, in constant time. It belongs to the workspace's owner.
    ///
    /// # Errors
    ///
    /// 409 `not_stopped`.
    pub async fn take_snapshot(&self, caller: &Caller, id: WorkspaceId) -> Result<Snapshot, Error> {
        let (workspace, sealed) = self.seal(caller, id).await?;
        let sealed = sealed.ok_or_else(|| Error::Conflict {
            code: "no_disk",
            what: format!("workspace `{}` has never run and has no files yet", workspace.name),
            mend: "start it once, stop it, then try again".into(),
        })?;
        let now = self.now();
        let snapshot = Snapshot {
            id: sealed,
            owner: workspace.owner,
            workspace: Some(id),
            workspace_name: workspace.name.to_string(),
            source: workspace.source,
            rootfs: workspace.rootfs,
            initialised: workspace.initialised,
            created_at: now,
        };
        let mut tx = self.inner.store.begin().await?;
        tx.insert_snapshot(&snapshot).await?;
        note(&mut tx, caller.user, now, ("snapshot.take", sealed.to_string()), id.to_string()).await?;
        tx.commit().await?;
        Ok(snapshot)
    }

    /// The caller's snapshots.
    pub async fn snapshots(&self, caller: &Caller) -> Result<Vec<Snapshot>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        Ok(self.inner.store.read().await?.snapshots_of(caller.user).await?)
    }

    /// Removes a snapshot. Workspaces that stand on it keep their files.
    pub async fn delete_snapshot(&self, caller: &Caller, id: SnapshotId) -> Result<(), Error> {
        caller.scope(Scope::WorkspacesWrite)?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let own = tx.snapshot(id).await?.filter(|snapshot| snapshot.owner == caller.user);
        if own.is_none() || !tx.delete_snapshot(id).await? {
            return Err(Error::missing("snapshot", id));
        }
        forget_later(&mut tx, id, now).await?;
        note(&mut tx, caller.user, now, ("snapshot.delete", id.to_string()), String::new()).await?;
        tx.commit().await?;
        self.inner.job_wake.notify_one();
        Ok(())
    }

    /// Seals the disk of a stopped workspace under a fresh name; `None` where it has no disk yet.
    pub(super) async fn seal(
        &self,
        caller: &Caller,
        id: WorkspaceId,
    ) -> Result<(Workspace, Option<SnapshotId>), Error> {
        // Nobody starts it meanwhile.
        let _turn = self.inner.locks.lock(id).await;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let workspace = authorize(&mut tx, caller, Action::Manage, id).await?.into_workspace();
        if !matches!(workspace.phase, Phase::Stopped | Phase::Failed(_)) {
            return Err(not_stopped(&workspace));
        }
        let snapshot = SnapshotId::generate(now, &*self.inner.entropy);
        let due = now.checked_add(RECORDED_BY).unwrap_or(Timestamp::MAX);
        tx.enqueue_job(FORGET_SNAPSHOT, None, &payload(snapshot), due).await?;
        tx.commit().await?;
        match self.inner.driver.snapshot(id, snapshot).await {
            Ok(()) => Ok((workspace, Some(snapshot))),
            Err(DriverError::NoSandbox(_)) => Ok((workspace, None)),
            Err(DriverError::StillRunning(_)) => Err(not_stopped(&workspace)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Puts down that the sealed disk may go if nothing needs it.
pub(crate) async fn forget_later(tx: &mut Tx, id: SnapshotId, now: Timestamp) -> Result<(), Error> {
    // Without a key: one that is just being worked on may have looked before this commit.
    tx.enqueue_job(FORGET_SNAPSHOT, None, &payload(id), now).await?;
    Ok(())
}

/// Whether anything stands on the sealed disk or names it.
pub(crate) async fn is_needed(tx: &mut Tx, id: SnapshotId) -> Result<bool, Error> {
    if tx.snapshot(id).await?.is_some() {
        return Ok(true);
    }
    let mut after = None;
    loop {
        let page = tx.workspaces(None, after, PAGE).await?;
        if page.iter().any(|workspace| workspace.base == Some(id)) {
            return Ok(true);
        }
        let Some(last) = page.last() else { return Ok(false) };
        after = Some(last.id);
    }
}

fn payload(id: SnapshotId) -> serde_json::Value {
    json!({ "snapshot": id })
}

fn not_stopped(workspace: &Workspace) -> Error {
    Error::Conflict {
        code: "not_stopped",
        what: format!("workspace `{}` is {}", workspace.name, workspace.phase.name()),
        mend: "stop it first".into(),
    }
}
