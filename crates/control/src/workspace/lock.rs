//! One change to a workspace's sandbox at a time, within this server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::WorkspaceId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::control::hold;

/// Locks that nobody holds are thrown away once there are this many.
const KEPT: usize = 1024;

/// A lock for each workspace, made when needed.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    by_workspace: Mutex<HashMap<WorkspaceId, Arc<AsyncMutex<()>>>>,
}

impl Locks {
    /// Waits for the turn of the caller; the turn ends when the answer is dropped.
    pub(crate) async fn lock(&self, workspace: WorkspaceId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = hold(&self.by_workspace);
            if locks.len() > KEPT {
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            locks.entry(workspace).or_default().clone()
        };
        lock.lock_owned().await
    }
}
