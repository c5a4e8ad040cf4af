//! Workspaces and what belongs to them.

use domain::{SnapshotId, TeamId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::UserRef;

/// Asks for a workspace.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// Address of any page of a forge, or of a Git repository over HTTP(S); without it the workspace starts
    /// empty. `POST /contexts` says what an address means.
    #[serde(default)]
    #[schema(example = "https://gitlab.com/group/project")]
    pub url: Option<String>,
    /// Branch, tag or commit; the repository's default branch where absent.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
    /// Name, unique among the caller's; made from the repository's where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// `host`, or an image such as `debian:13`; the platform's default where absent.
    #[serde(default)]
    pub rootfs: Option<String>,
    /// What it may use; the platform's default for what is absent.
    #[serde(default)]
    pub limits: Option<LimitsRequest>,
    /// A snapshot to start from, instead of `url` and `rootfs`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub snapshot: Option<SnapshotId>,
    /// The team it is for, by id or address; the caller's default team where absent.
    #[serde(default)]
    pub team: Option<String>,
    /// Names of the variables in the address that the person has confirmed. Others are left out.
    #[serde(default)]
    pub confirmed_variables: Vec<String>,
}

/// Wanted limits; what is absent is the platform's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsRequest {
    /// Processor time in thousandths of one core.
    #[serde(default)]
    pub cpu_millis: Option<u32>,
    /// Memory in bytes.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Processes and threads at the same time.
    #[serde(default)]
    pub pids: Option<u32>,
}

/// Changes a workspace's name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameWorkspace {
    /// The new name.
    pub name: String,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceView {
    /// Id.
    #[schema(value_type = String, example = "ws_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: WorkspaceId,
    /// Name, unique among the owner's.
    pub name: String,
    /// Who it belongs to.
    pub owner: UserRef,
    /// The team it belongs to.
    pub team: TeamRef,
    /// The repository it was made for, if any.
    pub source: Option<SourceView>,
    /// What its file system starts from: `host` or an image.
    pub rootfs: String,
    /// The snapshot it stands on, if any.
    #[schema(value_type = Option<String>)]
    pub base: Option<SnapshotId>,
    /// What it may use.
    pub limits: LimitsView,
    /// Where it is in its life.
    pub phase: PhaseName,
    /// Where it is meant to end up: `running`, `stopped` or `deleted`.
    #[schema(example = "running")]
    pub desired: String,
    /// Why the last start did not succeed; only in phase `failed`.
    pub failure: Option<FailureView>,
    /// Counts starts; the log and the steps belong to one start.
    pub run: u32,
    /// The steps of the present start, in order.
    pub steps: Vec<StepView>,
    /// Things its owner should know, such as what the machine could not give.
    pub notices: Vec<String>,
    /// The folder of the clone inside the workspace.
    pub folder: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When this record last changed.
    pub updated_at: Timestamp,
    /// When somebody or something last worked in it.
    pub last_activity_at: Timestamp,
}

/// What a workspace is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// Address of the repository.
    pub repository: String,
    /// What to check out; the default branch where `null`.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// `branch`, `tag` or `revision`, if known.
    pub ref_kind: Option<String>,
    /// The commit that was asked for.
    pub revision: Option<String>,
    /// The branch that was made for an issue.
    pub local_branch: Option<String>,
    /// Address of the remote `upstream`.
    pub upstream: Option<String>,
    /// File or folder to show first.
    pub path: Option<String>,
    /// Title of the merge request or issue.
    pub title: Option<String>,
}

/// A team, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamRef {
    /// Id.
    #[schema(value_type = String)]
    pub id: TeamId,
    /// Name in addresses.
    pub slug: String,
    /// Name to show.
    pub name: String,
}

/// What a workspace may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    /// Processor time in thousandths of one core.
    pub cpu_millis: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Processes and threads at the same time.
    pub pids: u32,
}

/// Where a workspace is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    /// Accepted; nothing done yet.
    Queued,
    /// Image and repository are being looked at.
    Preparing,
    /// Files and sandbox are being made.
    Creating,
    /// The sandbox runs; its agent has not connected yet.
    Starting,
    /// The agent clones the repository.
    Initialising,
    /// Ready for work.
    Running,
    /// Processes are being ended; files stay.
    Stopping,
    /// Not running; files kept.
    Stopped,
    /// A start did not succeed. Files that existed are kept.
    Failed,
    /// Everything is being removed.
    Deleting,
    /// Nothing is left.
    Deleted,
}

impl From<&domain::Phase> for PhaseName {
    fn from(phase: &domain::Phase) -> Self {
        use domain::Phase as P;
        match phase {
            P::Queued => Self::Queued,
            P::Preparing => Self::Preparing,
            P::Creating => Self::Creating,
            P::Starting { .. } => Self::Starting,
            P::Initialising { .. } => Self::Initialising,
            P::Running { .. } => Self::Running,
            P::Stopping { .. } => Self::Stopping,
            P::Stopped => Self::Stopped,
            P::Failed(_) => Self::Failed,
            P::Deleting => Self::Deleting,
            P::Deleted => Self::Deleted,
        }
    }
}

/// Why a start did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The step that failed.
    pub step: StepName,
    /// What could not be done, to what.
    pub reason: String,
    /// What the reader can do about it.
    pub mend: String,
    /// When.
    pub at: Timestamp,
}

/// Names one step of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Look at repository and image.
    Prepare,
    /// Make the files and start the sandbox.
    Create,
    /// Wait for the agent.
    Connect,
    /// Clone the repository.
    Clone,
}

impl From<domain::Step> for StepName {
    fn from(step: domain::Step) -> Self {
        match step {
            domain::Step::Prepare => Self::Prepare,
            domain::Step::Create => Self::Create,
            domain::Step::Connect => Self::Connect,
            domain::Step::Clone => Self::Clone,
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStateName {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Not needed this time.
    Skipped,
    /// Given up.
    Failed,
}

/// One step of the present start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// Which.
    pub name: StepName,
    /// The step in words.
    pub title: String,
    /// How far.
    pub state: StepStateName,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it is doing or did, in one line.
    pub detail: Option<String>,
}

impl From<&domain::StepRecord> for StepView {
    fn from(record: &domain::StepRecord) -> Self {
        use domain::StepState as S;
        let (state, finished_at) = match record.state {
            S::Pending => (StepStateName::Pending, None),
            S::Running { .. } => (StepStateName::Running, None),
            S::Done { finished_at, .. } => (StepStateName::Done, Some(finished_at)),
            S::Skipped => (StepStateName::Skipped, None),
            S::Failed { finished_at, .. } => (StepStateName::Failed, Some(finished_at)),
        };
        Self {
            name: record.step.into(),
            title: record.step.title().into(),
            state,
            started_at: record.started_at(),
            finished_at,
            detail: record.detail.clone(),
        }
    }
}

/// Data of the `workspace` event on `/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceChange {
    /// Which.
    #[schema(value_type = String)]
    pub id: WorkspaceId,
    /// How it is now; `null` once it is gone.
    pub workspace: Option<WorkspaceView>,
}

/// One line of a workspace's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLineView {
    /// Number within the run; what `after` and `Last-Event-ID` mean.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// The step it belongs to, if any.
    pub step: Option<StepName>,
    /// The line without its end; may hold ANSI colours.
    pub text: String,
}

/// What a workspace uses now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// Processor time since its start, microseconds.
    pub cpu_micros: u64,
    /// Memory now, bytes.
    pub memory_bytes: u64,
    /// Processes and threads now.
    pub pids: u32,
    /// What it may use.
    pub limits: LimitsView,
    /// Bytes free on its disk; 0 where the agent is not connected.
    pub disk_free_bytes: u64,
    /// Bytes of its disk; 0 where the agent is not connected.
    pub disk_total_bytes: u64,
    /// When somebody or something last worked in it.
    pub last_activity_at: Option<Timestamp>,
}

/// A sealed, read-only state of a workspace's disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotView {
    /// Id.
    #[schema(value_type = String, example = "snap_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: SnapshotId,
    /// The workspace it was taken from; `null` once that is gone.
    #[schema(value_type = Option<String>)]
    pub workspace: Option<WorkspaceId>,
    /// Its name when the snapshot was taken.
    pub workspace_name: String,
    /// Its repository, if any.
    pub source: Option<SourceView>,
    /// What its file system started from.
    pub rootfs: String,
    /// When it was taken.
    pub created_at: Timestamp,
}

/// Text messages from the client of a streamed command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CommandControl {
    /// Standard input has ended.
    Eof,
    /// Send this signal to the command.
    Signal {
        /// Name without `SIG`: `INT`, `TERM`.
        name: String,
    },
}
