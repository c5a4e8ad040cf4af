//! Sandboxes that run: finding their guard again, waiting for it, ending it, clearing up after it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use domain::WorkspaceId;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

use super::failed::{Context, Failed};
use super::{Inner, NativeDriver, cgroup, process, sys};
use crate::DriverError;

/// How often to look whether a launch by another server is through.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl NativeDriver {
    /// Ends whatever runs: asked first when there is a grace, killed after it.
    pub(super) async fn end(&self, id: WorkspaceId, grace: Option<Duration>) -> Result<(), DriverError> {
        if let Some(guard) = self.guard(id).await? {
            let guard = watch(guard)?;
            let ended = match grace {
                Some(grace) => {
                    signal(guard.get_ref(), Signal::TERM)?;
                    tokio::time::timeout(grace, readable(&guard)).await.is_ok()
                }
                None => false,
            };
            if !ended {
                // The kernel takes everything of the sandbox with its guard.
                signal(guard.get_ref(), Signal::KILL)?;
                readable(&guard).await?;
            }
            reap(guard.get_ref());
        }
        let turn = self.turn(id).await;
        self.work(move |inner| {
            let _turn = turn;
            inner.tidy(id);
            Ok(())
        })
        .await
    }

    /// Returns when nothing of the sandbox runs.
    pub(super) async fn wait_for_end(&self, id: WorkspaceId) -> Result<(), DriverError> {
        if let Some(guard) = self.guard(id).await? {
            let guard = watch(guard)?;
            readable(&guard).await?;
            reap(guard.get_ref());
        }
        Ok(())
    }

    /// The guard of a running sandbox. Waits for a launch under way, which another server may have begun.
    async fn guard(&self, id: WorkspaceId) -> Result<Option<OwnedFd>, DriverError> {
        loop {
            let (handle, is_held) = self.work(move |inner| Ok((inner.handle(id), inner.is_held(id)))).await?;
            if handle.is_some() || !is_held {
                return Ok(handle);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Inner {
    /// A handle on the sandbox's guard, if it runs.
    pub(super) fn handle(&self, id: WorkspaceId) -> Option<OwnedFd> {
        process::open(&process::read_state(&self.disks.folder(id))?)
    }

    /// Whether a launcher or guard has the sandbox in hand.
    pub(super) fn is_held(&self, id: WorkspaceId) -> bool {
        process::is_held(&self.disks.folder(id))
    }

    /// Clears up after a sandbox that has ended; does nothing to one that runs.
    pub(super) fn tidy(&self, id: WorkspaceId) {
        if self.handle(id).is_some() || self.is_held(id) {
            return;
        }
        let folder = self.disks.folder(id);
        if let Some(state) = process::read_state(&folder) {
            cgroup::remove(&state.cgroups);
            process::remove_state(&folder);
        }
    }

    /// Moves the folder of a sandbox to the trash and tells where to; `None` if it was started meanwhile.
    pub(super) fn throw_away(&self, id: WorkspaceId) -> Result<Option<Vec<PathBuf>>, DriverError> {
        if self.handle(id).is_some() || self.is_held(id) {
            return Ok(None);
        }
        self.tidy(id);
        let _graph = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        let thrown = self.disks.throw_away(&self.disks.folder(id), &id.to_string())?;
        Ok(Some(thrown.into_iter().collect()))
    }

    /// Removes control groups of sandboxes that ended while no server was there.
    pub(super) fn sweep(&self) {
        for (id, group) in self.groups.all() {
            if self.handle(id).is_none() && !self.is_held(id) {
                cgroup::remove(&[group]);
            }
        }
        for id in self.disks.all().unwrap_or_default() {
            self.tidy(id);
        }
    }
}

fn watch(guard: OwnedFd) -> Result<AsyncFd<OwnedFd>, Failed> {
    sys::watch(guard).context(|| "cannot watch the sandbox's guard")
}

async fn readable(guard: &AsyncFd<OwnedFd>) -> Result<(), Failed> {
    // A process descriptor is readable from the end of its process on.
    guard.readable().await.map(drop).context(|| "cannot wait for the sandbox's guard")
}

fn signal(guard: &OwnedFd, signal: Signal) -> Result<(), Failed> {
    match pidfd_send_signal(guard, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(errno) => Err(errno).context(|| "cannot signal the sandbox's guard"),
    }
}

/// Collects the guard where this server is the one that orphans fall to, as pid 1 of a container.
fn reap(guard: &OwnedFd) {
    // Anybody else's child cannot be collected and need not be.
    let _not_ours =
        rustix::process::waitid(WaitId::PidFd(guard.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}
