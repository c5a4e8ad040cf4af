//! A workspace: an isolated, machine-like place with files and processes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::context::Variable;
use crate::id::{SnapshotId, TeamId, UserId, WorkspaceId};
use crate::image::Rootfs;
use crate::lifecycle::{Effect, Event, IllegalTransition, Phase};
use crate::limits::Limits;
use crate::name::WorkspaceName;
use crate::repository::Source;
use crate::step::{StepRecord, StepState};
use crate::team::Team;

/// A workspace as the control plane knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Id.
    pub id: WorkspaceId,
    /// Name, unique among the owner's workspaces.
    pub name: WorkspaceName,
    /// Who it belongs to.
    pub owner: UserId,
    /// The team it belongs to.
    #[serde(default = "everybody")]
    pub team: TeamId,
    /// The repository it was made for, if any.
    pub source: Option<Source>,
    /// What its file system starts from.
    pub rootfs: Rootfs,
    /// The sealed disk it was forked from, if any.
    pub base: Option<SnapshotId>,
    /// What it may use.
    pub limits: Limits,
    /// Variables that its address set and its owner confirmed.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Counts starts; the log and the steps belong to one start.
    pub run: u32,
    /// The steps of the present start.
    pub steps: Vec<StepRecord>,
    /// Whether the repository has been cloned; true for ever after the first success.
    pub initialised: bool,
    /// Things its owner should know, such as what the machine could not give.
    pub notices: Vec<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When this record last changed.
    pub updated_at: Timestamp,
    /// When somebody or something last worked in it.
    pub last_activity_at: Timestamp,
}

/// The team of workspaces that were made before there were teams.
fn everybody() -> TeamId {
    Team::EVERYBODY
}

impl Workspace {
    /// Applies one event to the phase and keeps what hangs on it true.
    ///
    /// A new start counts up, and gets fresh steps and notices.
    pub fn apply(&mut self, event: &Event, now: Timestamp) -> Result<Option<Effect>, IllegalTransition> {
        let (next, effect) = self.phase.on(event, now)?;
        if next != self.phase {
            if next == Phase::Queued {
                self.run = self.run.saturating_add(1);
                self.steps = StepRecord::fresh();
                self.notices.clear();
            }
            if let Event::StepFailed { step, .. } = event
                && let Some(record) = self.steps.iter_mut().find(|record| record.step == *step)
            {
                record.fail(now);
            }
            if matches!(event, Event::Initialised) {
                self.initialised = true;
            }
            self.phase = next;
            self.updated_at = now;
        }
        debug_assert_eq!(self.broken_invariant(), None);
        Ok(effect)
    }

    /// Names the first invariant that does not hold. The model, the property tests and the debug
    /// checks of the product all ask this one function.
    pub fn broken_invariant(&self) -> Option<&'static str> {
        if self.steps.len() != crate::step::Step::ALL.len() {
            return Some("every start has all steps");
        }
        if matches!(self.phase, Phase::Running { .. }) && !self.initialised {
            return Some("a running workspace has been initialised");
        }
        let running = |record: &&StepRecord| matches!(record.state, StepState::Running { .. });
        if self.steps.iter().filter(running).count() > 1 {
            return Some("at most one step is under way");
        }
        None
    }

    /// The folder of the clone inside the workspace; its home where there is none.
    pub fn folder(&self) -> String {
        match &self.source {
            Some(source) => format!("/workspace/{}", source.repository.short_name()),
            None => "/home/hearth".into(),
        }
    }
}
