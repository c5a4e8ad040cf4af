//! The contract between the control plane and whatever runs workspaces.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Limits, Rootfs, SnapshotId, WorkspaceId};
use tokio_util::sync::CancellationToken;

/// Runs workspaces as sandboxes. Every method is idempotent: it may be repeated after a crash at any
/// point, and then finishes what was begun.
///
/// A sandbox outlives the server. [`Driver::list`] is the only truth about what exists.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Short name: `native`, `memory`.
    fn name(&self) -> &'static str;

    /// What this machine can and cannot give, looked up once at start.
    fn support(&self) -> &Support;

    /// Makes sure the image is unpacked and ready, fetching it if need be; nothing to do for `host`.
    /// `progress` is told a line for people now and then.
    async fn prepare(
        &self,
        rootfs: &Rootfs,
        progress: &(dyn Fn(String) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), DriverError>;

    /// Makes the sandbox's disk. Nothing runs yet. A disk that exists is kept as it is.
    async fn create(&self, spec: &SandboxSpec) -> Result<(), DriverError>;

    /// Variables that the image under a created sandbox wants every process to have.
    async fn environment(&self, id: WorkspaceId) -> Result<Vec<(String, String)>, DriverError> {
        let _without_images = id;
        Ok(Vec::new())
    }

    /// Starts the sandbox's first process, which keeps `boot.command` running in it. Answers notices
    /// for the owner about what could not be given (no network, no memory limit, …).
    async fn start(&self, id: WorkspaceId, boot: Boot) -> Result<Vec<String>, DriverError>;

    /// Ends every process: asks first, kills after `grace`. The disk stays.
    async fn stop(&self, id: WorkspaceId, grace: Duration) -> Result<(), DriverError>;

    /// Ends every process at once and removes the disk and every trace.
    async fn remove(&self, id: WorkspaceId) -> Result<(), DriverError>;

    /// Everything this driver has on this machine.
    async fn list(&self) -> Result<Vec<Sandbox>, DriverError>;

    /// Returns when the sandbox's processes have ended; at once if there are none.
    async fn ended(&self, id: WorkspaceId) -> Result<(), DriverError>;

    /// What the sandbox uses now.
    async fn usage(&self, id: WorkspaceId) -> Result<SandboxUsage, DriverError>;

    /// Seals the disk of a stopped sandbox under `snapshot` in constant time; the sandbox goes on with
    /// a fresh upper layer on top of it.
    async fn snapshot(&self, id: WorkspaceId, snapshot: SnapshotId) -> Result<(), DriverError>;

    /// Forgets a snapshot's name. Its bytes go when no sandbox stands on them any more.
    async fn remove_snapshot(&self, snapshot: SnapshotId) -> Result<(), DriverError>;
}

/// What a sandbox is made of; fixed at creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSpec {
    /// The workspace it is for.
    pub id: WorkspaceId,
    /// Host name inside.
    pub hostname: String,
    /// What its file system starts from.
    pub rootfs: Rootfs,
    /// A sealed disk to stand on, on top of the root file system.
    pub base: Option<SnapshotId>,
    /// What it may use.
    pub limits: Limits,
}

/// What to run in a sandbox.
#[derive(Debug, Clone, Default)]
pub struct Boot {
    /// Program and arguments as seen inside. Restarted when it ends, with growing pauses, unless it
    /// ends with 0, which ends the sandbox.
    pub command: Vec<String>,
    /// The whole environment of the command.
    pub env: Vec<(String, String)>,
    /// Files and folders of the machine to show inside.
    pub mounts: Vec<BindMount>,
    /// Bytes the command can read from file descriptor 3 at each of its starts. Never written to disk.
    pub descriptor_3: Vec<u8>,
}

/// A file or folder of the machine shown inside a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindMount {
    /// Path on the machine.
    pub host: PathBuf,
    /// Absolute path inside.
    pub inside: String,
    /// Whether it cannot be written. (A Unix socket in a read-only folder can still be connected to.)
    pub read_only: bool,
}

/// One sandbox as found on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// The workspace it is for.
    pub id: WorkspaceId,
    /// Whether anything runs in it.
    pub state: SandboxState,
}

/// Whether anything runs in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxState {
    /// Only a disk.
    Stopped,
    /// At least its first process.
    Running,
}

/// What a sandbox uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SandboxUsage {
    /// Processor time since the start, microseconds.
    pub cpu_micros: u64,
    /// Memory now, bytes.
    pub memory_bytes: u64,
    /// Processes and threads now.
    pub pids: u32,
}

/// What a machine can give, and what it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Support {
    /// Whether it works at all. False only when a lack is fatal.
    pub usable: bool,
    /// How it works here, for people: `as root, cgroup v1+v2 (hybrid), network by pasta`.
    pub summary: String,
    /// Everything that is missing, worst first.
    pub lacks: Vec<Lack>,
}

/// Something the machine does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What: `no memory limit: the memory controller is not delegated to this user`.
    pub what: String,
    /// What to do about it: a command where there is one.
    pub mend: String,
    /// Whether nothing works without it.
    pub fatal: bool,
}

/// Why a driver could not do something.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The sandbox does not exist.
    #[error("no sandbox `{0}` on this machine")]
    NoSandbox(WorkspaceId),
    /// The snapshot does not exist.
    #[error("no snapshot `{0}` on this machine")]
    NoSnapshot(SnapshotId),
    /// It must be stopped first.
    #[error("sandbox `{0}` is running; stop it first")]
    StillRunning(WorkspaceId),
    /// The image cannot be had or is not good.
    #[error("{what}")]
    Image {
        /// What could not be done, to what.
        what: String,
        /// What to do about it.
        mend: String,
    },
    /// The disk is full.
    #[error("no space left: {what}")]
    NoSpace {
        /// What could not be written.
        what: String,
    },
    /// The machine lacks something.
    #[error("{}", .0.what)]
    Lacks(Lack),
    /// Somebody wanted it to end.
    #[error("cancelled")]
    Cancelled,
    /// A system call failed.
    #[error("{what}")]
    System {
        /// What could not be done, to what.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl DriverError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::NoSandbox(_) | Self::NoSnapshot(_) => "create the workspace anew".into(),
            Self::StillRunning(_) => "stop the workspace, then try again".into(),
            Self::Image { mend, .. } => mend.clone(),
            Self::NoSpace { .. } => {
                "free some space on the disk of the data directory, then try again".into()
            }
            Self::Lacks(lack) => lack.mend.clone(),
            Self::Cancelled => "start the workspace again".into(),
            Self::System { .. } => "run `hearth doctor` on the machine; it names what is missing".into(),
        }
    }
}
