use domain::lifecycle::{AfterStop, CONNECT_DEADLINE};
use domain::{
    Clock, Effect, Entropy, Event, Limits, Phase, Rootfs, SignedDuration, Step, StepRecord, Timestamp,
    UserId, Workspace, WorkspaceId, WorkspaceName,
};
use proptest::prelude::*;

const T0: Timestamp = Timestamp::UNIX_EPOCH;

struct Zero;
impl Entropy for Zero {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}
impl Clock for Zero {
    fn now(&self) -> Timestamp {
        T0
    }
}

fn a_workspace() -> Workspace {
    Workspace {
        id: WorkspaceId::generate(Zero.now(), &Zero),
        name: WorkspaceName::nearest("demo"),
        owner: UserId::generate(T0, &Zero),
        team: domain::Team::EVERYBODY,
        source: None,
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

fn failed(step: Step) -> Event {
    Event::StepFailed { step, reason: "no".into(), mend: "try".into() }
}

#[test]
fn a_start_goes_through_every_phase_in_order() {
    let mut workspace = a_workspace();
    let mut seen = vec![];

    for event in [Event::Admitted, Event::Prepared, Event::Created, Event::AgentConnected, Event::Initialised]
    {
        let effect = workspace.apply(&event, T0).unwrap();
        seen.push((workspace.phase.name(), effect));
    }

    assert_eq!(
        seen,
        [
            ("preparing", Some(Effect::Prepare)),
            ("creating", Some(Effect::Create)),
            ("starting", Some(Effect::Connect)),
            ("initialising", Some(Effect::Initialise)),
            ("running", None),
        ]
    );
}

#[test]
fn a_start_that_misses_its_deadline_is_cleaned_up_and_then_shown_as_failed() {
    let starting = Phase::Starting { deadline: T0 + CONNECT_DEADLINE };

    let (stopping, effect) = starting.on(&Event::TimePassed, T0 + CONNECT_DEADLINE).unwrap();
    let (failed, _) = stopping.on(&Event::Halted, T0 + CONNECT_DEADLINE).unwrap();

    assert_eq!(effect, Some(Effect::Halt));
    assert!(matches!(failed, Phase::Failed(failure) if failure.step == Step::Connect));
}

#[test]
fn a_start_while_stopping_is_remembered() {
    let stopping = Phase::Stopping { then: AfterStop::Rest };

    let (stopping, _) = stopping.on(&Event::StartRequested, T0).unwrap();
    let (next, effect) = stopping.on(&Event::Halted, T0).unwrap();

    assert_eq!((next, effect), (Phase::Queued, Some(Effect::Admit)));
}

#[test]
fn a_sandbox_that_vanishes_is_made_again_but_not_in_a_circle() {
    let running = Phase::Running { since: T0 };

    let (soon, _) = running.on(&Event::SandboxGone, T0 + SignedDuration::from_secs(1)).unwrap();
    let (late, _) = running.on(&Event::SandboxGone, T0 + SignedDuration::from_secs(60)).unwrap();

    assert!(matches!(soon, Phase::Stopping { then: AfterStop::Show(_) }));
    assert_eq!(late, Phase::Creating);
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::StartRequested),
        Just(Event::StopRequested),
        Just(Event::Admitted),
        Just(Event::Prepared),
        Just(Event::Created),
        Just(Event::AgentConnected),
        Just(Event::Initialised),
        prop::sample::select(Step::ALL.to_vec()).prop_map(failed),
        Just(Event::SandboxGone),
        Just(Event::Halted),
        Just(Event::Removed),
        Just(Event::TimePassed),
        Just(Event::DeleteRequested),
    ]
}

/// The report that ends each effect well.
fn success(effect: Effect) -> Event {
    match effect {
        Effect::Admit => Event::Admitted,
        Effect::Prepare => Event::Prepared,
        Effect::Create => Event::Created,
        Effect::Connect => Event::AgentConnected,
        Effect::Initialise => Event::Initialised,
        Effect::Halt => Event::Halted,
        Effect::Remove => Event::Removed,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_history_keeps_the_invariants_and_has_a_way_out(
        events in prop::collection::vec((any_event(), 0i64..100), 0..60)
    ) {
        let mut workspace = a_workspace();
        let mut now = T0;
        for (event, seconds) in events {
            now += SignedDuration::from_secs(seconds);
            let before = workspace.phase.clone();
            let effect = workspace.apply(&event, now);
            if effect.is_err() {
                prop_assert!(matches!(before, Phase::Deleting | Phase::Deleted));
            }
            prop_assert_eq!(workspace.broken_invariant(), None);
            if before != workspace.phase {
                prop_assert_eq!(effect, Ok(workspace.phase.effect()));
            }
        }

        // Delete is accepted in every phase, and performing what is asked for ends it.
        workspace.apply(&Event::DeleteRequested, now).unwrap();
        while let Some(effect) = workspace.phase.effect() {
            workspace.apply(&success(effect), now).unwrap();
        }
        prop_assert_eq!(workspace.phase, Phase::Deleted);
    }

    #[test]
    fn performing_the_effects_always_reaches_the_desired_state(
        events in prop::collection::vec(any_event(), 0..40)
    ) {
        let mut workspace = a_workspace();
        for event in events {
            drop(workspace.apply(&event, T0));
        }
        let mut turns = 0;
        while let Some(effect) = workspace.phase.effect() {
            workspace.apply(&success(effect), T0).unwrap();
            turns += 1;
            prop_assert!(turns < 20, "never comes to rest: {:?}", workspace.phase);
        }
        if !matches!(workspace.phase, Phase::Failed(_)) {
            prop_assert_eq!(workspace.phase.name(), workspace.phase.desired());
        }
    }
}
