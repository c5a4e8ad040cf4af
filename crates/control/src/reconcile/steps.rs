//! Keeps the steps of a start true to the phase. Pure.

use domain::lifecycle::AfterStop;
use domain::{Phase, Step, StepRecord, StepState, Timestamp, Workspace};

/// Marks the steps after the phase has changed from `before`.
pub(crate) fn mark_steps(workspace: &mut Workspace, before: &Phase, now: Timestamp) {
    let has_clone = workspace.source.is_some() && !workspace.initialised;
    let under_way = match &workspace.phase {
        // A new start has fresh steps, and waits.
        Phase::Queued => None,
        Phase::Preparing => Some(Step::Prepare),
        Phase::Creating => Some(Step::Create),
        Phase::Starting { .. } => Some(Step::Connect),
        Phase::Initialising { .. } => has_clone.then_some(Step::Clone),
        Phase::Running { .. } => None,
        Phase::Stopping { .. } | Phase::Stopped | Phase::Failed(_) | Phase::Deleting | Phase::Deleted => {
            give_up(workspace, now);
            return;
        }
    };
    let was_ended =
        matches!(before, Phase::Running { .. } | Phase::Starting { .. } | Phase::Initialising { .. })
            && workspace.phase == Phase::Creating;
    for record in &mut workspace.steps {
        if Some(record.step) == under_way {
            record.begin(now);
        } else if was_ended && record.step > Step::Create && !is_done_for_good(record, workspace.initialised)
        {
            // The sandbox ended: what comes after it has to be done again.
            *record = StepRecord { step: record.step, state: StepState::Pending, detail: None };
        } else if matches!(record.state, StepState::Running { .. }) {
            record.finish(now);
        }
    }
    let skips_clone = matches!(workspace.phase, Phase::Initialising { .. } | Phase::Running { .. });
    if skips_clone
        && let Some(record) = workspace.steps.iter_mut().find(|record| record.step == Step::Clone)
        && record.state == StepState::Pending
        && under_way.is_none()
    {
        record.state = StepState::Skipped;
    }
}

/// A finished clone stays finished, whatever happens to the sandbox.
fn is_done_for_good(record: &StepRecord, initialised: bool) -> bool {
    record.step == Step::Clone && initialised
}

/// The start is over before its end: what was under way failed, or nobody wants it any more.
fn give_up(workspace: &mut Workspace, now: Timestamp) {
    let has_failed =
        matches!(workspace.phase, Phase::Stopping { then: AfterStop::Show(_) } | Phase::Failed(_));
    for record in &mut workspace.steps {
        match record.state {
            StepState::Running { .. } if has_failed => record.fail(now),
            StepState::Running { .. } => record.state = StepState::Skipped,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
