//! The agent's own HTTP API, served over its one outbound connection.
//!
//! The agent dials the server at [`KITE_PATH`] and upgrades to a WebSocket with two planes. Inside its *binary*
//! messages it then *serves* HTTP/2: the server is the client, and all paths below are relative to that
//! connection. Its *text* messages are Kite calls both ways, between the agent and the registry. An agent or a
//! server of protocol 1 meets the other at [`CONNECT_PATH`] and knows binary messages only.
//!
//! | call | body → answer |
//! |---|---|
//! | `GET /v1/info` | → [`AgentInfo`] |
//! | `POST /v1/exec` | [`ExecRequest`] → [`ExecResult`] |
//! | `POST /v1/exec/stream` | frames, the first an [`ExecRequest`] → frames (see [`crate::frame`]) |
//! | `GET /v1/terminals` | → `[`[`TerminalInfo`]`]` |
//! | `POST /v1/terminals` | [`OpenTerminal`] → [`TerminalInfo`] |
//! | `DELETE /v1/terminals/{id}` | → 204; hangs up and forgets |
//! | `POST /v1/terminals/{id}/attach?since=N` | frames ⇄ frames |
//! | `GET /v1/files/{path}` | → bytes of a file, or a [`Listing`] of a folder (`hearth-kind` header) |
//! | `PUT /v1/files/{path}` | bytes → 204; `?kind=folder` makes a folder; parents are made; atomic |
//! | `DELETE /v1/files/{path}` | → 204, folders with all in them |
//! | `POST /v1/clone` | [`CloneRequest`] → one [`CloneEvent`] a line (NDJSON) |
//! | `GET /v1/usage` | → [`AgentUsage`] |
//! | `PUT /v1/git` | [`GitSettings`] → 204 |
//! | `POST /v1/dotfiles` | [`DotfilesRequest`] → one [`CloneEvent`] a line (NDJSON) |
//! | `POST /v1/asks` | → one [`Ask`] a line for as long as the stream is open |
//! | `POST /v1/asks/{id}` | [`AskAnswer`] → 204 |
//! | `POST /v1/egress` | → one [`EgressRequest`] a line for as long as the stream is open |
//! | `POST /v1/egress/{id}` | raw bytes ⇄ raw bytes: the server's end of that connection |
//! | `DELETE /v1/egress/{id}?why=…` | the server will not connect, and why |
//! | `POST /v1/kite` | frames, the first a [`KiteCaller`] → frames: one Kite client's messages both ways |
//! | `POST /v1/shutdown` | → 204; hangs up everything and exits 0 |
//!
//! Errors are [`AgentProblem`] with a fitting status.

mod git;
mod kite;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use git::{
    Ask, AskAnswer, CloneRequest, CredentialFor, DotfilesRequest, GitSettings, OriginAuthority, Question,
    SshHost, SshIdentity,
};
pub use kite::{
    Joiner, KITE_MESSAGE_MAX, KiteCaller, PIECE, PieceError, WINDOW, bytes_read, cost, pieces, read_frame,
};

/// Version of this protocol. A server works with an agent of its own version and of one version on either
/// side; both ignore fields they do not know.
///
/// Version 2 added the text plane and [`KITE_PATH`].
pub const PROTOCOL: u32 = 2;

/// Header of the WebSocket handshake that carries the workspace's id.
pub const WORKSPACE_HEADER: &str = "hearth-workspace";
/// Header of the WebSocket handshake that carries [`PROTOCOL`] as the agent speaks it.
pub const PROTOCOL_HEADER: &str = "hearth-protocol";
/// Path of the handshake, on the Unix socket and below the server's public URL alike.
pub const KITE_PATH: &str = "/kite";
/// Path of the handshake as protocol 1 had it: a connection made here has no text plane.
pub const CONNECT_PATH: &str = "/api/v1/agent/connect";

/// Where the driver shows the agent its file inside every workspace.
pub const AGENT_PATH: &str = "/.hearth/agent";
/// Folder inside the workspace that holds the server's socket for it. A folder and not the socket
/// itself: a restarted server makes a new socket, and a mounted file would keep the old one.
pub const RUN_FOLDER: &str = "/.hearth/run";
/// The socket's name in [`RUN_FOLDER`].
pub const SOCKET_NAME: &str = "agent.sock";

/// What the agent reads as one JSON document from file descriptor 3, then closes.
///
/// Not from the environment or the command line, which other processes can read.
#[derive(Clone, Serialize, Deserialize)]
pub struct AgentConfig {
    /// The workspace's id.
    pub workspace: String,
    /// `unix:/.hearth/run/agent.sock` or `wss://host/base`.
    pub server: String,
    /// The credential, bound to this workspace and run.
    pub token: String,
    /// Extra certificates to trust for `wss`, PEM.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// Folder that terminals and commands start in when nothing else is said.
    pub folder: String,
    /// Variables for every command and terminal, on top of the agent's own clean set.
    #[serde(default)]
    pub env: Vec<(String, String)>,
}

/// Who the agent is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentInfo {
    /// Release, such as `0.1.0`.
    pub version: String,
    /// [`PROTOCOL`] as it speaks it on this connection.
    pub protocol: u32,
    /// When this agent process began. A new value means terminals of the old one are gone.
    pub started_at: Timestamp,
    /// `linux/x86_64`.
    pub platform: String,
}

/// Runs one command to its end.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ExecRequest {
    /// Program and arguments; no shell is put around them.
    pub command: Vec<String>,
    /// Input, then end of file. Not used by the streaming form.
    #[serde(default)]
    pub stdin: Option<String>,
    /// Extra variables.
    #[serde(default)]
    pub env: std::collections::BTreeMap<String, String>,
    /// Folder to run in; the workspace's where absent.
    #[serde(default)]
    pub folder: Option<String>,
    /// After this many seconds the command's process group is killed.
    #[serde(default)]
    pub timeout_s: Option<u32>,
}

/// Most bytes of each of standard output and standard error that the buffered form keeps: 8 MiB.
/// The streaming form has no limit.
pub const EXEC_OUTPUT_MAX: usize = 8 << 20;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecResult {
    /// 0…255; 128 + signal when killed by one; 124 when the time was up, 126 and 127 as in a shell.
    pub exit_code: i32,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// Whether either was cut at [`EXEC_OUTPUT_MAX`] (its end is dropped, the command went on).
    pub truncated: bool,
    /// Whether the time-out ended it.
    pub timed_out: bool,
}

/// Opens a terminal, which lives until its process ends or it is deleted, whoever watches.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct OpenTerminal {
    /// Columns; 80 where absent.
    #[serde(default)]
    pub columns: Option<u16>,
    /// Rows; 24 where absent.
    #[serde(default)]
    pub rows: Option<u16>,
    /// Program and arguments; the user's login shell where absent.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// Folder to start in; the workspace's where absent.
    #[serde(default)]
    pub folder: Option<String>,
    /// What to show as its name; the program's where absent. A named terminal is a *task*.
    #[serde(default)]
    pub title: Option<String>,
}

/// One terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TerminalInfo {
    /// Id within the workspace, 1…
    pub id: u32,
    /// Name to show.
    pub title: String,
    /// Whether it was opened with a name of its own.
    pub is_task: bool,
    /// Present size.
    pub columns: u16,
    /// Present size.
    pub rows: u16,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// How its process ended, once it has.
    pub exit_code: Option<i32>,
    /// How many are attached.
    pub viewers: u32,
    /// Bytes of output so far: the next sequence number.
    pub next_sequence: u64,
}

/// Something a clone reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CloneEvent {
    /// Progress of one of git's phases.
    Progress {
        /// As git names it: `Receiving objects`.
        phase: String,
        /// 0…100.
        percent: u8,
        /// The rest of git's line: `1.20 MiB | 3.10 MiB/s`.
        detail: String,
    },
    /// A line for the log.
    Line {
        /// Without line end.
        text: String,
    },
    /// It worked. Always the last.
    Done {
        /// Commit that is checked out.
        head: Option<String>,
        /// Branch that is checked out, unless the head is detached.
        branch: Option<String>,
    },
    /// It did not. Always the last.
    Failed {
        /// What could not be done.
        reason: String,
        /// What to do about it.
        mend: String,
    },
}

/// What the workspace uses and whether somebody works in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUsage {
    /// Processes in the workspace, without the agent.
    pub processes: u32,
    /// Last input, output of a foreground job, exec or file access by anybody; none yet where absent.
    pub last_activity_at: Option<Timestamp>,
    /// Bytes free on the workspace's disk.
    pub disk_free_bytes: u64,
    /// Bytes of the disk.
    pub disk_total_bytes: u64,
}

/// A process inside wants a connection that only the server can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressRequest {
    /// Names the connection until it is opened or refused.
    pub id: u64,
    /// Host name or address as git gave it.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Why the agent could not do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentProblem {
    /// Stable word: `not_found`, `invalid`, `exists`, `is_folder`, `no_space`, `permission`, `internal`.
    pub code: String,
    /// What could not be done, to what.
    pub detail: String,
    /// What to do about it.
    pub mend: String,
}

/// Header of an answer that says whether a path was a `file` or a `folder`.
pub const KIND_HEADER: &str = "hearth-kind";
/// Header of an answer with a file: when its content last changed, RFC 3339.
pub const MODIFIED_HEADER: &str = "hearth-modified";

/// What is in a folder, sorted by name, folders first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listing {
    /// The entries; at most 10 000.
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub truncated: bool,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// `file`, `folder`, `link` or `other`.
    pub kind: String,
    /// Size in bytes; 0 for folders.
    pub size_bytes: u64,
    /// When its content last changed.
    pub modified_at: Option<Timestamp>,
    /// Permission bits, octal: `644`.
    pub mode: String,
}
