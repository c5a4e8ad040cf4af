use domain::lifecycle::AfterStop;
use domain::{
    Event, Limits, Phase, Rootfs, SignedDuration, Step, StepRecord, StepState, Timestamp, UserId, Workspace,
    WorkspaceId, WorkspaceName,
};
use testkit::SeededEntropy;

use super::mark_steps;

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn at(seconds: i64) -> Timestamp {
    T0 + SignedDuration::from_secs(seconds)
}

fn a_workspace() -> Workspace {
    let entropy = SeededEntropy::new(1);
    Workspace {
        id: WorkspaceId::generate(T0, &entropy),
        name: WorkspaceName::nearest("sample"),
        owner: UserId::generate(T0, &entropy),
        team: domain::Team::EVERYBODY,
        source: Some(domain::Source {
            repository: "https://example.com/a/sample".parse().unwrap(),
            reference: None,
            checkout: domain::Checkout::default(),
        }),
        rootfs: Rootfs::Host,
        base: None,
        limits: Limits::default(),
        variables: vec![],
        phase: Phase::Queued,
        run: 1,
        steps: StepRecord::fresh(),
        initialised: false,
        notices: vec![],
        created_at: T0,
        updated_at: T0,
        last_activity_at: T0,
    }
}

fn happen(workspace: &mut Workspace, events: &[Event]) {
    for (index, event) in events.iter().enumerate() {
        let before = workspace.phase.clone();
        let now = at(i64::try_from(index).unwrap());
        workspace.apply(event, now).unwrap();
        mark_steps(workspace, &before, now);
        assert_eq!(workspace.broken_invariant(), None, "after {event:?}");
    }
}

fn states(workspace: &Workspace) -> Vec<&'static str> {
    let name = |record: &StepRecord| match record.state {
        StepState::Pending => "pending",
        StepState::Running { .. } => "running",
        StepState::Done { .. } => "done",
        StepState::Skipped => "skipped",
        StepState::Failed { .. } => "failed",
    };
    workspace.steps.iter().map(name).collect()
}

const START: [Event; 5] =
    [Event::Admitted, Event::Prepared, Event::Created, Event::AgentConnected, Event::Initialised];

#[test]
fn each_step_runs_while_its_phase_lasts() {
    let expected = [
        ["running", "pending", "pending", "pending"],
        ["done", "running", "pending", "pending"],
        ["done", "done", "running", "pending"],
        ["done", "done", "done", "running"],
        ["done", "done", "done", "done"],
    ];
    for (count, expected) in (1..).zip(expected) {
        let mut workspace = a_workspace();

        happen(&mut workspace, &START[..count]);

        assert_eq!(states(&workspace), expected);
    }
    let mut workspace = a_workspace();
    happen(&mut workspace, &START);
    assert_eq!(workspace.steps[1].state, StepState::Done { started_at: at(1), finished_at: at(2) });
}

#[test]
fn a_workspace_without_a_repository_skips_the_clone() {
    let mut workspace = a_workspace();
    workspace.source = None;

    happen(&mut workspace, &START);

    assert_eq!(states(&workspace), ["done", "done", "done", "skipped"]);
}

#[test]
fn a_lost_sandbox_is_made_again_and_what_was_cloned_stays() {
    let mut cloning = a_workspace();
    happen(&mut cloning, &START[..4]);
    let mut running = a_workspace();
    happen(&mut running, &START);

    happen(&mut cloning, &[Event::SandboxGone]);
    running.apply(&Event::TimePassed, at(100)).unwrap();
    let before = running.phase.clone();
    running.apply(&Event::SandboxGone, at(100)).unwrap();
    mark_steps(&mut running, &before, at(100));

    assert_eq!(states(&cloning), ["done", "running", "pending", "pending"]);
    assert_eq!(states(&running), ["done", "running", "pending", "done"]);
}

#[test]
fn a_stop_leaves_no_step_running_and_a_failure_marks_its_step() {
    for count in 0..START.len() {
        let mut stopped = a_workspace();
        happen(&mut stopped, &START[..count]);
        happen(&mut stopped, &[Event::StopRequested]);
        assert!(!states(&stopped).contains(&"running") && !states(&stopped).contains(&"failed"));
    }
    let mut late = a_workspace();
    happen(&mut late, &START[..3]);
    let before = late.phase.clone();

    late.apply(&Event::TimePassed, at(1000)).unwrap();
    mark_steps(&mut late, &before, at(1000));

    assert!(matches!(late.phase, Phase::Stopping { then: AfterStop::Show(_) }));
    assert_eq!(states(&late), ["done", "done", "failed", "pending"]);
    assert_eq!(late.steps.iter().filter(|record| record.step == Step::Connect).count(), 1);
}
