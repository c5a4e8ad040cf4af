//! The processes that Kite clients started, by their ids, so that only these can be ended by them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal};
use tokio::process::Child;

use crate::process::signal_group;

/// Processes that run at the same time. A workspace's own limit on processes comes later or sooner; this one
/// keeps a client that never ends what it starts from taking all of it.
const RUNNING_MAX: usize = 200;

/// The running ones. Clones share them.
#[derive(Clone, Default)]
pub(in crate::klient) struct Children {
    pids: Arc<Mutex<BTreeSet<i32>>>,
}

/// The place of one among them, given up when dropped.
pub(in crate::klient) struct Listed {
    children: Children,
    pid: i32,
}

impl Children {
    /// Whether no more may be started.
    pub(in crate::klient) fn is_full(&self) -> bool {
        self.lock().len() >= RUNNING_MAX
    }

    /// Adds one; `None` if it has ended before it began.
    pub(in crate::klient) fn add(&self, child: &Child) -> Option<Listed> {
        let pid = i32::try_from(child.id()?).ok()?;
        self.lock().insert(pid);
        Some(Listed { children: self.clone(), pid })
    }

    /// Signals one and all that is in its process group; answers whether there is one.
    pub(super) fn signal(&self, pid: i32, signal: Signal) -> bool {
        let pids = self.lock();
        // Looked up first: a negative number is no process id, and must not become one.
        let leader = pids.get(&pid).and_then(|pid| Pid::from_raw(*pid));
        if let Some(leader) = leader {
            signal_group(leader, signal);
        }
        leader.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// Its id.
    pub(in crate::klient) fn pid(&self) -> i32 {
        self.pid
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.children.lock().remove(&self.pid);
    }
}
