//! The simulated machine: a [`Driver`] that can be held, told to fail, and looked into.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Entropy, Rootfs, SnapshotId, WorkspaceId};
use runtime::{Boot, Driver, DriverError, Sandbox, SandboxSpec, SandboxState, SandboxUsage, Support};
use testkit::SeededEntropy;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use wire::agent::{Ask, AskAnswer, CloneRequest, EgressRequest, GitSettings, Question};

use super::agent;

/// A place where something can be made to wait or to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Point {
    Prepare,
    Create,
    Start,
    Connect,
    Clone,
    Stop,
    Remove,
}

#[derive(Clone)]
pub(crate) struct Machine(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    held: watch::Sender<HashSet<Point>>,
    support: Support,
    /// Every call takes a random moment, where set.
    jitter: Option<SeededEntropy>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) sandboxes: HashMap<WorkspaceId, Disk>,
    pub(crate) snapshots: HashSet<SnapshotId>,
    pub(crate) failures: HashMap<Point, Vec<DriverError>>,
    /// What was begun, in order.
    pub(crate) calls: Vec<(Point, WorkspaceId)>,
    busy: HashMap<WorkspaceId, Point>,
    /// Two calls for one workspace at the same time: must stay empty.
    pub(crate) clashes: Vec<String>,
    pub(crate) clone_failure: Option<(String, String)>,
    /// What a clone tries to reach through the server, and what came of it.
    pub(crate) reach: Option<(String, u16)>,
    pub(crate) reached: Vec<Result<String, String>>,
    /// What was asked to be cloned.
    pub(crate) clones: Vec<CloneRequest>,
    /// How git was set up.
    pub(crate) git: HashMap<WorkspaceId, GitSettings>,
    /// Where questions from inside go.
    pub(crate) asks: HashMap<WorkspaceId, mpsc::Sender<Ask>>,
    /// Who waits for which answer.
    pub(crate) answers: HashMap<u64, oneshot::Sender<AskAnswer>>,
    last_ask: u64,
    /// Where wishes for connections go, and who waits for which.
    pub(crate) ways_out: HashMap<WorkspaceId, mpsc::Sender<Result<bytes::Bytes, std::convert::Infallible>>>,
    pub(crate) wishes: HashMap<u64, oneshot::Sender<Result<oneshot::Receiver<()>, String>>>,
    /// Agents that make room for another one once this is cancelled.
    pub(crate) replaced: HashMap<WorkspaceId, CancellationToken>,
    /// Whether agents are of a release that knows nothing of git's settings and questions.
    pub(crate) is_old_agent: bool,
    /// The dotfiles that were asked for, and why they cannot be installed.
    pub(crate) dotfiles: Vec<String>,
    pub(crate) dotfiles_failure: Option<(String, String)>,
}

pub(crate) struct Disk {
    pub(crate) spec: SandboxSpec,
    pub(crate) cloned: bool,
    pub(crate) process: Option<Process>,
}

pub(crate) struct Process {
    pub(crate) ended: CancellationToken,
    pub(crate) boot: Boot,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    pub(crate) fn jittery(seed: u64) -> Self {
        Self::with(Some(SeededEntropy::new(seed)))
    }

    fn with(jitter: Option<SeededEntropy>) -> Self {
        let support = Support { usable: true, summary: "simulated".into(), lacks: vec![] };
        let held = watch::Sender::new(HashSet::new());
        Self(Arc::new(Inner { state: Mutex::default(), held, support, jitter }))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Opens a connection from inside a workspace, over which nothing is said: resolves with its end, or why
    /// there is none.
    pub(crate) async fn open(
        &self,
        id: WorkspaceId,
        host: &str,
        port: u16,
    ) -> Result<oneshot::Receiver<()>, String> {
        let (wish, opened) = oneshot::channel();
        let (way, request) = {
            let mut state = self.state();
            state.last_ask += 1;
            let number = 1000 + state.last_ask;
            state.wishes.insert(number, wish);
            let request = EgressRequest { id: number, host: host.into(), port };
            (state.ways_out.get(&id).cloned().expect("the server listens"), request)
        };
        way.send(Ok(agent::line(&request))).await.expect("the server listens");
        tokio::time::timeout(super::LIMIT, opened).await.expect("an answer in time").unwrap()
    }

    /// Asks the server something from inside a workspace.
    pub(crate) async fn ask(&self, id: WorkspaceId, question: Question) -> AskAnswer {
        let (waiting, answer) = oneshot::channel();
        let (asks, ask) = {
            let mut state = self.state();
            state.last_ask += 1;
            let number = state.last_ask;
            state.answers.insert(number, waiting);
            (state.asks.get(&id).cloned().expect("the server listens"), Ask { id: number, question })
        };
        asks.send(ask).await.expect("the server listens");
        tokio::time::timeout(super::LIMIT, answer).await.expect("an answer in time").unwrap()
    }

    /// Makes everything that comes to `point` wait.
    pub(crate) fn hold(&self, point: Point) {
        self.0.held.send_if_modified(|held| held.insert(point));
    }

    pub(crate) fn release(&self, point: Point) {
        self.0.held.send_if_modified(|held| held.remove(&point));
    }

    /// Makes the next call that comes to `point` fail; may be said several times.
    pub(crate) fn fail(&self, point: Point, error: DriverError) {
        self.state().failures.entry(point).or_default().push(error);
    }

    /// Ends a sandbox from inside, as a crash would.
    pub(crate) fn kill(&self, id: WorkspaceId) {
        if let Some(process) = self.state().sandboxes.get(&id).and_then(|disk| disk.process.as_ref()) {
            process.ended.cancel();
        }
    }

    pub(crate) fn has_process(&self, id: WorkspaceId) -> bool {
        let state = self.state();
        let process = state.sandboxes.get(&id).and_then(|disk| disk.process.as_ref());
        process.is_some_and(|process| !process.ended.is_cancelled())
    }

    pub(crate) fn begun(&self, point: Point) -> usize {
        self.state().calls.iter().filter(|(begun, _)| *begun == point).count()
    }

    pub(crate) async fn pass(&self, point: Point) {
        let mut held = self.0.held.subscribe();
        held.wait_for(|held| !held.contains(&point)).await.unwrap();
    }

    async fn enter(&self, point: Point, id: WorkspaceId) -> Result<Busy, DriverError> {
        let busy = {
            let mut state = self.state();
            state.calls.push((point, id));
            if let Some(other) = state.busy.insert(id, point) {
                state.clashes.push(format!("{point:?} during {other:?} of {id}"));
            }
            Busy { machine: self.clone(), id }
        };
        if let Some(jitter) = &self.0.jitter {
            let mut byte = [0];
            jitter.fill(&mut byte);
            tokio::time::sleep(Duration::from_micros(u64::from(byte[0]) * 20)).await;
        }
        self.pass(point).await;
        let mut state = self.state();
        match state.failures.get_mut(&point) {
            Some(failures) if !failures.is_empty() => Err(failures.remove(0)),
            _ => Ok(busy),
        }
    }
}

/// A call under way, also when its future is dropped.
struct Busy {
    machine: Machine,
    id: WorkspaceId,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.machine.state().busy.remove(&self.id);
    }
}

#[async_trait]
impl Driver for Machine {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn support(&self) -> &Support {
        &self.0.support
    }

    async fn prepare(
        &self,
        rootfs: &Rootfs,
        progress: &(dyn Fn(String) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), DriverError> {
        if *rootfs != Rootfs::Host {
            progress("layer 1 of 1".into());
        }
        tokio::select! {
            () = cancel.cancelled() => return Err(DriverError::Cancelled),
            () = self.pass(Point::Prepare) => {}
        }
        let mut state = self.state();
        let failures = state.failures.entry(Point::Prepare).or_default();
        if failures.is_empty() { Ok(()) } else { Err(failures.remove(0)) }
    }

    async fn create(&self, spec: &SandboxSpec) -> Result<(), DriverError> {
        let _busy = self.enter(Point::Create, spec.id).await?;
        let mut state = self.state();
        if let Some(base) = spec.base
            && !state.snapshots.contains(&base)
            && !state.sandboxes.contains_key(&spec.id)
        {
            return Err(DriverError::NoSnapshot(base));
        }
        let fresh = || Disk { spec: spec.clone(), cloned: spec.base.is_some(), process: None };
        state.sandboxes.entry(spec.id).or_insert_with(fresh);
        Ok(())
    }

    async fn start(&self, id: WorkspaceId, boot: Boot) -> Result<Vec<String>, DriverError> {
        let _busy = self.enter(Point::Start, id).await?;
        let mut state = self.state();
        let disk = state.sandboxes.get_mut(&id).ok_or(DriverError::NoSandbox(id))?;
        if disk.process.as_ref().is_some_and(|process| !process.ended.is_cancelled()) {
            return Ok(vec![]);
        }
        let ended = CancellationToken::new();
        disk.process = Some(Process { ended: ended.clone(), boot: boot.clone() });
        tokio::spawn(agent::run(self.clone(), id, boot, ended));
        Ok(vec!["simulated: no limits".into()])
    }

    async fn stop(&self, id: WorkspaceId, _grace: Duration) -> Result<(), DriverError> {
        let _busy = self.enter(Point::Stop, id).await?;
        if let Some(disk) = self.state().sandboxes.get_mut(&id)
            && let Some(process) = disk.process.take()
        {
            process.ended.cancel();
        }
        Ok(())
    }

    async fn remove(&self, id: WorkspaceId) -> Result<(), DriverError> {
        let _busy = self.enter(Point::Remove, id).await?;
        if let Some(process) = self.state().sandboxes.remove(&id).and_then(|disk| disk.process) {
            process.ended.cancel();
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Sandbox>, DriverError> {
        let found = self
            .state()
            .sandboxes
            .iter()
            .map(|(id, disk)| {
                let runs = disk.process.as_ref().is_some_and(|process| !process.ended.is_cancelled());
                let state = if runs { SandboxState::Running } else { SandboxState::Stopped };
                Sandbox { id: *id, state }
            })
            .collect();
        Ok(found)
    }

    async fn ended(&self, id: WorkspaceId) -> Result<(), DriverError> {
        let ended = {
            let state = self.state();
            let process = state.sandboxes.get(&id).and_then(|disk| disk.process.as_ref());
            process.map(|process| process.ended.clone())
        };
        if let Some(ended) = ended {
            ended.cancelled().await;
        }
        Ok(())
    }

    async fn usage(&self, id: WorkspaceId) -> Result<SandboxUsage, DriverError> {
        if self.has_process(id) {
            Ok(SandboxUsage { cpu_micros: 1000, memory_bytes: 1 << 20, pids: 2 })
        } else {
            Err(DriverError::NoSandbox(id))
        }
    }

    async fn snapshot(&self, id: WorkspaceId, snapshot: SnapshotId) -> Result<(), DriverError> {
        let mut state = self.state();
        let disk = state.sandboxes.get(&id).ok_or(DriverError::NoSandbox(id))?;
        if disk.process.as_ref().is_some_and(|process| !process.ended.is_cancelled()) {
            return Err(DriverError::StillRunning(id));
        }
        state.snapshots.insert(snapshot);
        Ok(())
    }

    async fn remove_snapshot(&self, snapshot: SnapshotId) -> Result<(), DriverError> {
        self.state().snapshots.remove(&snapshot);
        Ok(())
    }
}
