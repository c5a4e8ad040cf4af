//! The named steps of a start: what the start page shows, with times.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One step of a start, in the order they happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Look at repository and image.
    Prepare,
    /// Make the files and start the sandbox.
    Create,
    /// Wait for the agent.
    Connect,
    /// Clone the repository.
    Clone,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 4] = [Self::Prepare, Self::Create, Self::Connect, Self::Clone];

    /// The step's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Create => "create",
            Self::Connect => "connect",
            Self::Clone => "clone",
        }
    }

    /// The step in words for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Prepare => "Check repository and image",
            Self::Create => "Create the sandbox",
            Self::Connect => "Connect the agent",
            Self::Clone => "Clone the repository",
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Under way.
    Running {
        /// Since when.
        started_at: Timestamp,
    },
    /// Done.
    Done {
        /// From when.
        started_at: Timestamp,
        /// To when.
        finished_at: Timestamp,
    },
    /// Not needed this time.
    Skipped,
    /// Given up.
    Failed {
        /// From when.
        started_at: Timestamp,
        /// To when.
        finished_at: Timestamp,
    },
}

/// One step of the present start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which.
    pub step: Step,
    /// How far.
    pub state: StepState,
    /// What it is doing or did, in one line: `12 of 40 MB`.
    pub detail: Option<String>,
}

impl StepRecord {
    /// The list a start begins with: everything pending.
    pub fn fresh() -> Vec<Self> {
        Step::ALL.into_iter().map(|step| Self { step, state: StepState::Pending, detail: None }).collect()
    }

    /// Marks the step as under way. A step that runs keeps its time.
    pub fn begin(&mut self, now: Timestamp) {
        if !matches!(self.state, StepState::Running { .. }) {
            self.state = StepState::Running { started_at: now };
        }
    }

    /// Marks the step as done.
    pub fn finish(&mut self, now: Timestamp) {
        self.state = StepState::Done { started_at: self.started_at().unwrap_or(now), finished_at: now };
    }

    /// Marks the step as given up.
    pub fn fail(&mut self, now: Timestamp) {
        self.state = StepState::Failed { started_at: self.started_at().unwrap_or(now), finished_at: now };
    }

    /// When the step began, if it has.
    pub fn started_at(&self) -> Option<Timestamp> {
        match self.state {
            StepState::Running { started_at }
            | StepState::Done { started_at, .. }
            | StepState::Failed { started_at, .. } => Some(started_at),
            StepState::Pending | StepState::Skipped => None,
        }
    }
}
