//! Everything a server stands on, and servers on it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use control::{Control, Error, NewWorkspace, Outside, Settings};
use domain::{Caller, Clock, Phase, Workspace, WorkspaceId};
use link::Agents;
use store::Store;
use testkit::git::{GitServer, Repository, serve};
use testkit::{FakeClock, SeededEntropy, wait_until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Machine;

/// Longer than anything takes on a machine that does something else as well.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) store: Store,
    pub(crate) clock: FakeClock,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) git: GitServer,
    _repository: Repository,
    seed: std::sync::atomic::AtomicU64,
}

pub(crate) struct Server {
    pub(crate) control: Control,
    pub(crate) admin: Caller,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
    /// Dead once nothing of the server is left.
    alive: Weak<dyn Clock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(Machine::new()).await
    }

    pub(crate) async fn on(machine: Machine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("hearth.db").display());
        Self::with(machine, folder, &url).await
    }

    pub(crate) async fn on_database(machine: Machine, url: &str) -> Self {
        Self::with(machine, tempfile::tempdir().unwrap(), url).await
    }

    async fn with(machine: Machine, folder: tempfile::TempDir, url: &str) -> Self {
        let store = Store::open(url).await.unwrap();
        let repository = Repository::sample();
        let git = serve(repository.parent());
        let seed = std::sync::atomic::AtomicU64::new(1);
        Self { machine, store, clock: FakeClock::default(), folder, git, _repository: repository, seed }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/sample.git", self.git.url)
    }

    pub(crate) fn settings(&self) -> Settings {
        let agent = self.folder.path().join("hearth-agent");
        Settings { timer: None, ..Settings::new(self.folder.path(), agent) }
    }

    /// A server that runs.
    pub(crate) async fn server(&self) -> Server {
        self.server_with(self.settings()).await
    }

    pub(crate) async fn server_with(&self, settings: Settings) -> Server {
        self.server_on(self.store.clone(), settings).await
    }

    /// One of several servers on this world's database.
    pub(crate) async fn server_named(&self, name: &str) -> Server {
        self.server_with(Settings { server: name.into(), ..self.settings() }).await
    }

    /// A server with a connection to the database of its own, as on another machine.
    pub(crate) async fn server_on(&self, store: Store, settings: Settings) -> Server {
        let (control, alive) = self.idle_on(store, settings);
        control.open_registry().await.unwrap();
        let admin = control.local_caller("ada").await.unwrap();
        let cancel = CancellationToken::new();
        let running = control.clone();
        let stop = cancel.clone();
        let task = tokio::spawn(async move { running.run(stop).await });
        Server { control, admin, cancel, task, alive }
    }

    /// A control plane whose loops do not run.
    pub(crate) fn idle(&self, settings: Settings) -> (Control, Weak<dyn Clock>) {
        self.idle_on(self.store.clone(), settings)
    }

    fn idle_on(&self, store: Store, settings: Settings) -> (Control, Weak<dyn Clock>) {
        let seed = self.seed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let alive = Arc::downgrade(&clock);
        let outside = Outside {
            clock,
            entropy: Arc::new(SeededEntropy::new(seed << 32)),
            driver: Arc::new(self.machine.clone()),
            outbound: outbound::Client::new(outbound::Policy::with_loopback()),
            images: None,
            platform_key: self.platform_key(),
        };
        (Control::new(store, Agents::new(), outside, settings), alive)
    }

    /// The key file of this world, made at the first need.
    fn platform_key(&self) -> Arc<vault::FileKey> {
        let path = self.folder.path().join("platform-key");
        let entropy = Arc::new(SeededEntropy::new(5));
        let made = if path.exists() {
            vault::FileKey::open(path, entropy)
        } else {
            vault::FileKey::create(path, entropy)
        };
        Arc::new(made.unwrap())
    }

    /// What is left outside the store.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let state = self.machine.state();
        let run = std::fs::read_dir(self.folder.path().join("run"));
        let folders =
            run.into_iter().flatten().map(|entry| format!("folder {}", entry.unwrap().file_name().display()));
        let sandboxes = state.sandboxes.keys().map(|id| format!("sandbox {id}"));
        let snapshots = state.snapshots.iter().map(|id| format!("snapshot {id}"));
        folders.chain(sandboxes).chain(snapshots).collect()
    }

    /// No two calls to the machine ever met at one workspace.
    pub(crate) fn assert_no_clash(&self) {
        assert_eq!(self.machine.state().clashes, Vec::<String>::new());
    }
}

impl Server {
    pub(crate) async fn create(&self, world: &World) -> Workspace {
        let wish = NewWorkspace { url: Some(world.url()), ..NewWorkspace::default() };
        self.control.create_workspace(&self.admin, wish).await.unwrap()
    }

    pub(crate) async fn running(&self, world: &World) -> Workspace {
        let id = self.create(world).await.id;
        self.until(id, is_running).await
    }

    pub(crate) async fn see(&self, id: WorkspaceId) -> Workspace {
        self.control.workspace(&self.admin, id).await.unwrap()
    }

    /// Waits until the workspace is as wanted.
    #[track_caller]
    pub(crate) fn until(
        &self,
        id: WorkspaceId,
        wanted: impl Fn(&Workspace) -> bool,
    ) -> impl Future<Output = Workspace> {
        let caller = std::panic::Location::caller();
        async move {
            let begun = std::time::Instant::now();
            loop {
                let seen = self.see(id).await;
                if wanted(&seen) {
                    return seen;
                }
                assert!(begun.elapsed() < LIMIT, "{caller}: not so in time: {seen:#?}");
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    }

    pub(crate) async fn until_gone(&self, id: WorkspaceId) {
        wait_until(LIMIT, async || self.control.workspace(&self.admin, id).await.is_err()).await;
    }

    /// Pulls the plug, and returns once nothing of the server moves any more.
    pub(crate) async fn crash(self) {
        self.task.abort();
        drop(self.task.await);
        drop(self.control);
        let alive = self.alive;
        wait_until(LIMIT, async || alive.strong_count() == 0).await;
    }

    /// Stops in order.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }
}

pub(crate) fn is_running(workspace: &Workspace) -> bool {
    matches!(workspace.phase, Phase::Running { .. })
}

pub(crate) fn phase_of(name: &'static str) -> impl Fn(&Workspace) -> bool {
    move |workspace| workspace.phase.name() == name
}
