//! A driver without a machine, for simulation: the same contract, nothing runs.
//!
//! Shared by clones, so a test can keep one, hand another to a control plane, "restart" that, and look at
//! what is left. Every call can be made to fail, before or after it took effect, as a crash would.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Limits, Rootfs, SnapshotId, WorkspaceId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Boot, Driver, DriverError, Sandbox, SandboxSpec, SandboxState, SandboxUsage, Support};

/// A call of the [`Driver`] trait that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Driver::prepare`].
    Prepare,
    /// [`Driver::create`].
    Create,
    /// [`Driver::start`].
    Start,
    /// [`Driver::stop`].
    Stop,
    /// [`Driver::remove`].
    Remove,
    /// [`Driver::snapshot`].
    Snapshot,
    /// [`Driver::remove_snapshot`].
    RemoveSnapshot,
}

/// Whether a failing call did its work before it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Nothing happened.
    Before,
    /// Everything happened, but the caller does not learn of it.
    After,
}

/// Sandboxes that exist only as records. Cheap to clone; clones are the same driver.
#[derive(Clone, Default)]
pub struct MemoryDriver {
    state: Arc<Mutex<State>>,
    support: Arc<Support>,
}

#[derive(Default)]
struct State {
    sandboxes: BTreeMap<WorkspaceId, Record>,
    snapshots: BTreeMap<SnapshotId, SnapshotRecord>,
    faults: VecDeque<(Operation, Point)>,
}

struct Record {
    base: Option<SnapshotId>,
    limits: Limits,
    /// The boot of the present run; `None` while stopped.
    running: watch::Sender<Option<Boot>>,
}

struct SnapshotRecord {
    parent: Option<SnapshotId>,
    named: bool,
}

impl MemoryDriver {
    /// A driver with no sandboxes.
    pub fn new() -> Self {
        let support = Support { usable: true, summary: "in memory".into(), lacks: Vec::new() };
        Self { state: Arc::default(), support: Arc::new(support) }
    }

    /// Makes the next call of this kind fail. Several queue up.
    pub fn fail_next(&self, operation: Operation, point: Point) {
        self.lock().faults.push_back((operation, point));
    }

    /// Ends a sandbox as if its first process had died.
    pub fn crash(&self, id: WorkspaceId) {
        if let Some(record) = self.lock().sandboxes.get(&id) {
            record.running.send_replace(None);
        }
    }

    /// What the sandbox was started with, while it runs.
    pub fn boot_of(&self, id: WorkspaceId) -> Option<Boot> {
        self.lock().sandboxes.get(&id).and_then(|record| record.running.borrow().clone())
    }

    /// The snapshots whose layers are still kept, with or without a name.
    pub fn snapshots(&self) -> Vec<SnapshotId> {
        self.lock().snapshots.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one call's work with the faults that were asked for around it.
    fn act<T>(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        let mut state = self.lock();
        let fault = state.faults.iter().position(|(wanted, _)| *wanted == operation);
        let fault = fault.and_then(|index| state.faults.remove(index)).map(|(_, point)| point);
        let failure = || DriverError::System {
            what: format!("cannot {operation:?}: a fault was asked for"),
            source: std::io::Error::other("fault"),
        };
        match fault {
            Some(Point::Before) => Err(failure()),
            Some(Point::After) => work(&mut state).and(Err(failure())),
            None => work(&mut state),
        }
    }
}

impl State {
    fn sandbox(&self, id: WorkspaceId) -> Result<&Record, DriverError> {
        self.sandboxes.get(&id).ok_or(DriverError::NoSandbox(id))
    }

    fn collect(&mut self) {
        loop {
            let used: Vec<SnapshotId> = self
                .sandboxes
                .values()
                .filter_map(|record| record.base)
                .chain(self.snapshots.values().filter_map(|snapshot| snapshot.parent))
                .collect();
            let before = self.snapshots.len();
            self.snapshots.retain(|id, snapshot| snapshot.named || used.contains(id));
            if self.snapshots.len() == before {
                return;
            }
        }
    }
}

#[async_trait]
impl Driver for MemoryDriver {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn support(&self) -> &Support {
        &self.support
    }

    async fn prepare(
        &self,
        _rootfs: &Rootfs,
        progress: &(dyn Fn(String) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), DriverError> {
        if cancel.is_cancelled() {
            return Err(DriverError::Cancelled);
        }
        progress("nothing to fetch".into());
        self.act(Operation::Prepare, |_| Ok(()))
    }

    async fn create(&self, spec: &SandboxSpec) -> Result<(), DriverError> {
        self.act(Operation::Create, |state| {
            if let Some(base) = spec.base
                && !state.snapshots.contains_key(&base)
            {
                return Err(DriverError::NoSnapshot(base));
            }
            let fresh = || Record { base: spec.base, limits: spec.limits, running: watch::Sender::new(None) };
            state.sandboxes.entry(spec.id).or_insert_with(fresh);
            Ok(())
        })
    }

    async fn start(&self, id: WorkspaceId, boot: Boot) -> Result<Vec<String>, DriverError> {
        self.act(Operation::Start, |state| {
            let record = state.sandbox(id)?;
            record.running.send_if_modified(|running| {
                let begins = running.is_none();
                if begins {
                    *running = Some(boot);
                }
                begins
            });
            Ok(Vec::new())
        })
    }

    async fn stop(&self, id: WorkspaceId, _grace: Duration) -> Result<(), DriverError> {
        self.act(Operation::Stop, |state| {
            if let Some(record) = state.sandboxes.get(&id) {
                record.running.send_replace(None);
            }
            Ok(())
        })
    }

    async fn remove(&self, id: WorkspaceId) -> Result<(), DriverError> {
        self.act(Operation::Remove, |state| {
            if let Some(record) = state.sandboxes.remove(&id) {
                record.running.send_replace(None);
            }
            state.collect();
            Ok(())
        })
    }

    async fn list(&self) -> Result<Vec<Sandbox>, DriverError> {
        let state = self.lock();
        let of = |record: &Record| match *record.running.borrow() {
            Some(_) => SandboxState::Running,
            None => SandboxState::Stopped,
        };
        Ok(state.sandboxes.iter().map(|(id, record)| Sandbox { id: *id, state: of(record) }).collect())
    }

    async fn ended(&self, id: WorkspaceId) -> Result<(), DriverError> {
        let running = self.lock().sandboxes.get(&id).map(|record| record.running.subscribe());
        if let Some(mut running) = running {
            // The other end goes only with the sandbox itself.
            let _removed = running.wait_for(Option::is_none).await;
        }
        Ok(())
    }

    async fn usage(&self, id: WorkspaceId) -> Result<SandboxUsage, DriverError> {
        let state = self.lock();
        let record = state.sandbox(id)?;
        let runs = record.running.borrow().is_some();
        let running =
            SandboxUsage { cpu_micros: 1, memory_bytes: record.limits.memory_bytes.min(1 << 20), pids: 1 };
        Ok(if runs { running } else { SandboxUsage::default() })
    }

    async fn snapshot(&self, id: WorkspaceId, snapshot: SnapshotId) -> Result<(), DriverError> {
        self.act(Operation::Snapshot, |state| {
            let record = state.sandboxes.get_mut(&id).ok_or(DriverError::NoSandbox(id))?;
            if record.running.borrow().is_some() {
                return Err(DriverError::StillRunning(id));
            }
            if let std::collections::btree_map::Entry::Vacant(free) = state.snapshots.entry(snapshot) {
                free.insert(SnapshotRecord { parent: record.base, named: true });
                record.base = Some(snapshot);
            }
            Ok(())
        })
    }

    async fn remove_snapshot(&self, snapshot: SnapshotId) -> Result<(), DriverError> {
        self.act(Operation::RemoveSnapshot, |state| {
            if let Some(record) = state.snapshots.get_mut(&snapshot) {
                record.named = false;
            }
            state.collect();
            Ok(())
        })
    }
}
