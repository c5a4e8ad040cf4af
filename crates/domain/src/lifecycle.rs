//! The life of a workspace: every phase it can be in, and the only ways between them.
//!
//! ```text
//! queued → preparing → creating → starting → initialising → running → stopping → stopped
//!    └────────┴───────────┴──────────┴─────────────┴──────────┘ failed {step, reason}
//! every phase → deleting → deleted
//! ```

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::step::Step;

/// How long the agent may take to connect once the sandbox runs.
///
/// A thousand times what it takes on an idle machine; past it something is broken, not slow.
pub const CONNECT_DEADLINE: SignedDuration = SignedDuration::from_secs(30);

/// How long a clone may take. The largest public repositories need about twenty minutes on a slow line.
pub const INITIALISE_DEADLINE: SignedDuration = SignedDuration::from_mins(60);

/// A sandbox that ends sooner than this after it became ready would end again: it is not restarted.
pub const SHORTEST_USEFUL_RUN: SignedDuration = SignedDuration::from_secs(5);

/// Where a workspace is in its life. Data that only makes sense in one phase lives in that phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Phase {
    /// Accepted; nothing done yet.
    Queued,
    /// Image and repository are being looked at.
    Preparing,
    /// Files and sandbox are being made.
    Creating,
    /// The sandbox runs; its agent has not connected yet.
    Starting {
        /// When waiting becomes a failure.
        deadline: Timestamp,
    },
    /// The agent clones the repository.
    Initialising {
        /// When waiting becomes a failure.
        deadline: Timestamp,
    },
    /// Ready for work.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// Processes are being ended; files stay.
    Stopping {
        /// What follows.
        then: AfterStop,
    },
    /// Not running; files kept.
    Stopped,
    /// A start did not succeed. Files that existed are kept.
    Failed(Failure),
    /// Everything is being removed.
    Deleting,
    /// Nothing is left; the record itself may go.
    Deleted,
}

/// What a workspace does once it has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterStop {
    /// It rests.
    Rest,
    /// It starts again: somebody asked while it was stopping.
    Start,
    /// It shows why the start failed: the stop is the clean-up of a failure.
    Show(Failure),
}

/// Why a start did not succeed, in words for the person who wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step that failed.
    pub step: Step,
    /// What could not be done, to what.
    pub reason: String,
    /// What the reader can do about it.
    pub mend: String,
    /// When.
    pub at: Timestamp,
}

/// Something that happened to a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants it to run.
    StartRequested,
    /// Somebody wants it to rest.
    StopRequested,
    /// Somebody wants it gone.
    DeleteRequested,
    /// Its turn has come.
    Admitted,
    /// Image and repository were found good.
    Prepared,
    /// The sandbox runs.
    Created,
    /// The agent is connected.
    AgentConnected,
    /// The repository is in place.
    Initialised,
    /// A step could not be done.
    StepFailed {
        /// Which.
        step: Step,
        /// What could not be done, to what.
        reason: String,
        /// What the reader can do about it.
        mend: String,
    },
    /// The sandbox is no longer there: it ended, or the machine was restarted.
    SandboxGone,
    /// All processes have ended.
    Halted,
    /// Files, processes and names are removed.
    Removed,
    /// The clock moved on.
    TimePassed,
}

/// What must happen outside because a phase was entered. Performed at least once, idempotently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Wait for a free slot.
    Admit,
    /// Look at image and repository.
    Prepare,
    /// Make the files and start the sandbox.
    Create,
    /// Wait for the agent.
    Connect,
    /// Clone.
    Initialise,
    /// End all processes.
    Halt,
    /// Remove everything.
    Remove,
}

/// The event makes no sense in this phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a workspace that is {phase} cannot take `{event}`")]
pub struct IllegalTransition {
    /// Name of the phase.
    pub phase: &'static str,
    /// Name of the event.
    pub event: &'static str,
}

impl Phase {
    /// Applies one event and says what must happen outside because of it.
    ///
    /// Pure. Whoever performs effects reports at least once and may be late, so an event whose
    /// moment has passed changes nothing; only what a person asks for can be refused, and only
    /// after a delete.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] for a start or stop of a workspace that is being deleted.
    pub fn on(&self, event: &Event, now: Timestamp) -> Result<(Phase, Option<Effect>), IllegalTransition> {
        use {Event as E, Phase as P};

        let next = match (self, event) {
            // What people ask for.
            (P::Deleting | P::Deleted, E::StartRequested | E::StopRequested) => {
                return Err(IllegalTransition { phase: self.name(), event: event.name() });
            }
            (P::Stopped | P::Failed(_), E::StartRequested) => P::Queued,
            (P::Stopping { .. }, E::StartRequested) => P::Stopping { then: AfterStop::Start },
            (P::Stopping { .. }, E::StopRequested) => P::Stopping { then: AfterStop::Rest },
            (P::Failed(_), E::StopRequested) => P::Stopped,
            (
                P::Queued
                | P::Preparing
                | P::Creating
                | P::Starting { .. }
                | P::Initialising { .. }
                | P::Running { .. },
                E::StopRequested,
            ) => P::Stopping { then: AfterStop::Rest },
            (P::Deleted, E::DeleteRequested) => P::Deleted,
            (_, E::DeleteRequested) => P::Deleting,

            // What the effects report, each in its own phase.
            (P::Queued, E::Admitted) => P::Preparing,
            (P::Preparing, E::Prepared) => P::Creating,
            (P::Creating, E::Created) => P::Starting { deadline: after(now, CONNECT_DEADLINE) },
            (P::Starting { .. }, E::AgentConnected) => {
                P::Initialising { deadline: after(now, INITIALISE_DEADLINE) }
            }
            (P::Initialising { .. }, E::Initialised) => P::Running { since: now },
            (P::Stopping { then: AfterStop::Rest }, E::Halted) => P::Stopped,
            (P::Stopping { then: AfterStop::Start }, E::Halted) => P::Queued,
            (P::Stopping { then: AfterStop::Show(failure) }, E::Halted) => P::Failed(failure.clone()),
            (P::Deleting, E::Removed) => P::Deleted,

            // What goes wrong.
            (
                P::Queued | P::Preparing | P::Creating | P::Starting { .. } | P::Initialising { .. },
                E::StepFailed { step, reason, mend },
            ) => failing(Failure { step: *step, reason: reason.clone(), mend: mend.clone(), at: now }),
            (P::Running { since }, E::SandboxGone) if now.duration_since(*since) < SHORTEST_USEFUL_RUN => {
                failing(Failure {
                    step: Step::Connect,
                    reason: "the workspace ended by itself right after it became ready".into(),
                    mend: "read its log, then start it again; its files are kept".into(),
                    at: now,
                })
            }
            (P::Starting { .. } | P::Initialising { .. } | P::Running { .. }, E::SandboxGone) => P::Creating,
            (P::Starting { deadline }, E::TimePassed) if now >= *deadline => failing(Failure {
                step: Step::Connect,
                reason: format!("the agent did not connect within {}s", CONNECT_DEADLINE.as_secs()),
                mend: "run `hearth doctor` on the machine, then start the workspace again".into(),
                at: now,
            }),
            (P::Initialising { deadline }, E::TimePassed) if now >= *deadline => failing(Failure {
                step: Step::Clone,
                reason: format!("the clone did not end within {} minutes", INITIALISE_DEADLINE.as_mins()),
                mend: "check the connection to the forge, then start the workspace again".into(),
                at: now,
            }),

            // Late or repeated news, and wishes that are already true, change nothing.
            (
                P::Queued
                | P::Preparing
                | P::Creating
                | P::Starting { .. }
                | P::Initialising { .. }
                | P::Running { .. },
                E::StartRequested,
            )
            | (P::Stopped, E::StopRequested)
            | (
                _,
                E::Admitted
                | E::Prepared
                | E::Created
                | E::AgentConnected
                | E::Initialised
                | E::Halted
                | E::Removed
                | E::StepFailed { .. }
                | E::SandboxGone
                | E::TimePassed,
            ) => return Ok((self.clone(), None)),
        };
        let effect = next.effect();
        Ok((next, effect))
    }

    /// What has to be done for a workspace to leave this phase; nothing where it may stay.
    ///
    /// The outbox holds exactly this for every workspace, so a lost row can always be put back.
    pub fn effect(&self) -> Option<Effect> {
        match self {
            Self::Queued => Some(Effect::Admit),
            Self::Preparing => Some(Effect::Prepare),
            Self::Creating => Some(Effect::Create),
            Self::Starting { .. } => Some(Effect::Connect),
            Self::Initialising { .. } => Some(Effect::Initialise),
            Self::Stopping { .. } => Some(Effect::Halt),
            Self::Deleting => Some(Effect::Remove),
            Self::Running { .. } | Self::Stopped | Self::Failed(_) | Self::Deleted => None,
        }
    }

    /// Whether processes of the workspace may exist outside.
    pub fn may_have_processes(&self) -> bool {
        match self {
            Self::Creating
            | Self::Starting { .. }
            | Self::Initialising { .. }
            | Self::Running { .. }
            | Self::Stopping { .. }
            | Self::Deleting => true,
            Self::Queued | Self::Preparing | Self::Stopped | Self::Failed(_) | Self::Deleted => false,
        }
    }

    /// The phase's name, as in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Creating => "creating",
            Self::Starting { .. } => "starting",
            Self::Initialising { .. } => "initialising",
            Self::Running { .. } => "running",
            Self::Stopping { .. } => "stopping",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    /// Where the workspace is meant to end up: `running`, `stopped` or `deleted`.
    pub fn desired(&self) -> &'static str {
        match self {
            Self::Queued
            | Self::Preparing
            | Self::Creating
            | Self::Starting { .. }
            | Self::Initialising { .. }
            | Self::Running { .. }
            | Self::Stopping { then: AfterStop::Start | AfterStop::Show(_) }
            | Self::Failed(_) => "running",
            Self::Stopping { then: AfterStop::Rest } | Self::Stopped => "stopped",
            Self::Deleting | Self::Deleted => "deleted",
        }
    }
}

impl Event {
    /// The event's name, as in errors and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StartRequested => "start",
            Self::StopRequested => "stop",
            Self::DeleteRequested => "delete",
            Self::Admitted => "admitted",
            Self::Prepared => "prepared",
            Self::Created => "created",
            Self::AgentConnected => "agent connected",
            Self::Initialised => "initialised",
            Self::StepFailed { .. } => "step failed",
            Self::SandboxGone => "sandbox gone",
            Self::Halted => "halted",
            Self::Removed => "removed",
            Self::TimePassed => "time passed",
        }
    }
}

/// A failed start is cleaned up first and shown afterwards, so that no process outlives it.
fn failing(failure: Failure) -> Phase {
    Phase::Stopping { then: AfterStop::Show(failure) }
}

/// A deadline; the end of time where the sum does not exist.
fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
