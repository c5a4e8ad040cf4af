//! Stop and delete, at every moment of a life.

use domain::{Phase, Step};
use link::Admission;
use wire::agent::CONNECT_PATH;

use crate::sim::{Point, Server, World, is_running, phase_of};

/// Where a start can be made to stand still, and the phase it is in then.
const STANDSTILLS: [(Point, &str); 5] = [
    (Point::Prepare, "preparing"),
    (Point::Create, "creating"),
    (Point::Start, "creating"),
    (Point::Connect, "starting"),
    (Point::Clone, "initialising"),
];

/// A workspace whose start stands still, with the work for it under way.
async fn standing_at(
    world: &World,
    server: &Server,
    point: Point,
    phase: &'static str,
) -> domain::WorkspaceId {
    world.machine.hold(point);
    let id = server.create(world).await.id;
    server.until(id, phase_of(phase)).await;
    let wanted = match point {
        Point::Create | Point::Start => Some(point),
        _ => None,
    };
    if let Some(wanted) = wanted {
        testkit::wait_until(crate::sim::LIMIT, async || world.machine.begun(wanted) > 0).await;
    }
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_any_step_ends_in_stopped_with_nothing_running() {
    for (point, phase) in STANDSTILLS {
        let world = World::new().await;
        let server = world.server().await;
        let id = standing_at(&world, &server, point, phase).await;

        let stopping = server.control.stop_workspace(&server.admin, id).await.unwrap();
        assert_eq!(stopping.phase.name(), "stopping");
        // The driver's own calls are short and are not cut off; everything else ends at once.
        if matches!(point, Point::Create | Point::Start) {
            world.machine.release(point);
        }
        server.until(id, phase_of("stopped")).await;

        assert!(!world.machine.has_process(id), "{point:?}");
        world.machine.release(point);
        server.control.start_workspace(&server.admin, id).await.unwrap();
        server.until(id, is_running).await;
        world.assert_no_clash();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_during_any_step_leaves_nothing_at_all() {
    for (point, phase) in STANDSTILLS {
        let world = World::new().await;
        let server = world.server().await;
        let id = standing_at(&world, &server, point, phase).await;

        server.control.delete_workspace(&server.admin, id).await.unwrap();
        if matches!(point, Point::Create | Point::Start) {
            world.machine.release(point);
        }
        server.until_gone(id).await;

        assert_eq!(world.leftovers(), Vec::<String>::new(), "{point:?}");
        world.assert_no_clash();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_of_what_runs_rests_stops_or_has_failed_leaves_nothing_either() {
    let world = World::new().await;
    let server = world.server().await;
    let running = server.running(&world).await.id;
    let stopped = server.running(&world).await.id;
    server.control.stop_workspace(&server.admin, stopped).await.unwrap();
    server.until(stopped, phase_of("stopped")).await;
    world.machine.state().clone_failure = Some(("no".into(), "yes".into()));
    let failed = server.create(&world).await.id;
    server.until(failed, phase_of("failed")).await;
    world.machine.hold(Point::Stop);
    let wish = control::NewWorkspace::default();
    let stopping = server.control.create_workspace(&server.admin, wish).await.unwrap().id;
    server.until(stopping, is_running).await;
    server.control.stop_workspace(&server.admin, stopping).await.unwrap();
    testkit::wait_until(crate::sim::LIMIT, async || world.machine.begun(Point::Stop) > 2).await;

    for id in [running, stopped, failed, stopping] {
        server.control.delete_workspace(&server.admin, id).await.unwrap();
        server.control.delete_workspace(&server.admin, id).await.unwrap();
    }
    world.machine.release(Point::Stop);

    for id in [running, stopped, failed, stopping] {
        server.until_gone(id).await;
    }
    assert_eq!(world.leftovers(), Vec::<String>::new());
    world.assert_no_clash();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_during_a_stop_runs_again_once_it_has_stopped() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    world.machine.hold(Point::Stop);
    server.control.stop_workspace(&server.admin, id).await.unwrap();

    let asked = server.control.start_workspace(&server.admin, id).await.unwrap();
    world.machine.release(Point::Stop);
    let workspace = server.until(id, is_running).await;

    assert_eq!((asked.phase.name(), asked.phase.desired()), ("stopping", "running"));
    assert_eq!(workspace.run, 2);
    world.assert_no_clash();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_deleted_cannot_be_started_and_says_so() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    world.machine.hold(Point::Remove);
    server.control.delete_workspace(&server.admin, id).await.unwrap();

    let refused = server.control.start_workspace(&server.admin, id).await.unwrap_err();

    assert_eq!(refused.code(), "wrong_phase");
    assert!(refused.to_string().contains("deleting"), "{refused}");
    world.machine.release(Point::Remove);
    server.until_gone(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_an_earlier_run_does_not_get_in() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    let token = |world: &World| {
        let state = world.machine.state();
        let boot = &state.sandboxes[&id].process.as_ref().unwrap().boot;
        let config: wire::agent::AgentConfig = serde_json::from_slice(&boot.descriptor_3).unwrap();
        config.token
    };
    let first = token(&world);
    server.control.stop_workspace(&server.admin, id).await.unwrap();
    server.until(id, phase_of("stopped")).await;
    server.control.start_workspace(&server.admin, id).await.unwrap();
    server.until(id, is_running).await;

    assert!(!server.control.admit(id, &first).await, "an old credential on {CONNECT_PATH}");
    assert!(server.control.admit(id, &token(&world)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_ends_by_itself_is_made_again() {
    let world = World::new().await;
    let server = world.server().await;
    let first = server.running(&world).await;
    world.clock.advance(domain::SignedDuration::from_secs(60));

    world.machine.kill(first.id);
    let again =
        server.until(first.id, |workspace| is_running(workspace) && workspace.phase != first.phase).await;

    assert_eq!(again.run, 1, "it is the same start");
    assert!(world.machine.has_process(first.id));
    assert!(server.control.enter(&server.admin, first.id).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_ends_right_after_it_was_ready_is_not_started_for_ever() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;

    world.machine.kill(id);
    let failed = server.until(id, phase_of("failed")).await;

    let Phase::Failed(failure) = failed.phase else { panic!("not failed") };
    assert_eq!(failure.step, Step::Connect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_never_gets_ready_is_given_up_after_three_tries() {
    let world = World::new().await;
    let server = world.server().await;
    world.machine.hold(Point::Connect);
    let id = server.create(&world).await.id;

    for tries in 1..=3 {
        testkit::wait_until(crate::sim::LIMIT, async || {
            world.machine.begun(Point::Start) == tries && server.see(id).await.phase.name() == "starting"
        })
        .await;
        world.machine.kill(id);
    }
    let failed = server.until(id, phase_of("failed")).await;

    let Phase::Failed(failure) = failed.phase else { panic!("not failed") };
    assert_eq!(failure.reason, "the sandbox ended 3 times before it was ready");
}
