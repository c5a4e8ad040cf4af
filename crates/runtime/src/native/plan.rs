//! What the server tells the launcher, and what comes back.
//!
//! One line of JSON on standard input, then the raw bytes of descriptor 3; answers are lines of JSON on
//! standard output. Nothing of it is in an argument or an environment, where other users could see it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failed::Failed;

/// Uid and gid of the sandbox's one user.
pub(super) const USER: u32 = 1000;

/// Everything the launcher needs to know. Complete: it reads no setting and decides nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The sandbox's folder: the disk is in it, the state is written to it.
    pub folder: PathBuf,
    /// Host name inside.
    pub hostname: String,
    /// Read-only folders to stack, lowest first, at least one.
    pub lowers: Vec<PathBuf>,
    /// Places of the machine shown inside.
    pub shown: Vec<Shown>,
    /// Empty folders laid over places that must not be seen.
    pub hidden: Vec<String>,
    /// How ids inside and outside belong together.
    pub ids: Ids,
    /// Control groups to be in, as folders.
    pub cgroups: Vec<PathBuf>,
    /// How large each folder kept in memory may grow.
    pub memory_folders_bytes: u64,
    /// Limits for what no control group covers.
    pub fallback: Fallback,
    /// How packets leave.
    pub network: Option<NetworkTool>,
    /// Program and arguments to keep running.
    pub command: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// How many bytes for descriptor 3 follow the line.
    pub descriptor_3_bytes: usize,
}

/// One place of the machine shown inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    /// Path on the machine.
    pub host: PathBuf,
    /// Absolute path inside.
    pub inside: String,
    /// Who may write.
    pub access: Access,
    /// Whether the sandbox can live without it.
    pub need: Need,
}

/// Whether a shown place can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Access {
    /// By whoever its permissions allow.
    ReadWrite,
    /// By nobody.
    ReadOnly,
}

/// Whether a shown place may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Need {
    /// The start fails without it. Its mount point is made where there is none.
    Required,
    /// Left out where the machine or the sandbox has no such place.
    WherePresent,
}

/// How ids inside and outside belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ids {
    /// 65536 ids of the machine, starting here, belong to this sandbox. Files keep the inner ids on disk
    /// and are shifted where they are mounted.
    Shifted {
        /// The machine's id of the sandbox's id 0.
        first: u32,
    },
    /// As above, but the data folder's file system cannot shift ids, so the outer ids are on disk and all
    /// sandboxes share one range.
    Unshifted {
        /// The machine's id of the sandbox's id 0.
        first: u32,
    },
    /// The server is an ordinary user and has one id to give.
    Single,
}

impl Ids {
    /// The machine's id of the sandbox's root, as the one who makes the mounts sees it.
    pub(super) fn root_outside(self) -> u32 {
        match self {
            Self::Shifted { first } | Self::Unshifted { first } => first,
            Self::Single => 0,
        }
    }

    /// The id that a file on disk has when it belongs to `inner`; `None` means whoever makes it.
    pub(super) fn on_disk(self, inner: u32) -> Option<u32> {
        match self {
            Self::Shifted { .. } => Some(inner),
            Self::Unshifted { first } => Some(first + inner),
            Self::Single => None,
        }
    }
}

/// Resource limits of single processes, for where no control group can be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fallback {
    /// Processes of the user inside this user namespace.
    pub pids: Option<u64>,
    /// Bytes of private memory of each process.
    pub memory_bytes: Option<u64>,
}

/// The program that carries packets between the sandbox and the machine's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NetworkTool {
    /// `pasta`, of the package passt.
    Pasta(PathBuf),
    /// `slirp4netns`.
    Slirp(PathBuf),
}

/// What the launcher and its descendants say to the server, one per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The first command runs.
    Running,
    /// Packets can leave.
    NetworkUp,
    /// It did not work; nothing is left behind.
    Failed(Failed),
    /// Another launcher holds this sandbox.
    Busy,
}

/// Who the sandbox's outermost process is; written by the launcher before anything runs inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Process id on the machine.
    pub pid: i32,
    /// Its start in clock ticks since the machine's start: with the pid it names one process.
    pub started: u64,
    /// Which run of the machine that was.
    pub boot: String,
    /// Its control groups, to be removed after it.
    pub cgroups: Vec<PathBuf>,
}
