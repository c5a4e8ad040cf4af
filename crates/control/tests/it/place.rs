//! Places: how many workspaces run at the same time.

use control::Settings;
use domain::StepState;

use crate::sim::{World, is_running, phase_of};

#[tokio::test(flavor = "multi_thread")]
async fn more_workspaces_than_places_wait_and_are_let_in_in_order() {
    let world = World::new().await;
    let server = world.server_with(Settings { max_running: Some(2), ..world.settings() }).await;
    let mut ids = vec![];
    for is_let_in in [true, true, false, false] {
        world.clock.advance(domain::SignedDuration::from_millis(1));
        let id = server.create(&world).await.id;
        if is_let_in {
            server.until(id, is_running).await;
        }
        ids.push(id);
    }

    let waiting = server.until(ids[3], |workspace| workspace.steps[0].detail.is_some()).await;
    server.control.stop_workspace(&server.admin, ids[0]).await.unwrap();
    server.until(ids[2], is_running).await;

    assert_eq!(waiting.phase.name(), "queued");
    assert_eq!(waiting.steps[0].detail.as_deref(), Some("waiting for one of 2 places; 1 ahead"));
    assert_eq!(waiting.steps[0].state, StepState::Pending);
    assert_eq!(server.see(ids[3]).await.phase.name(), "queued");
    server.control.delete_workspace(&server.admin, ids[1]).await.unwrap();
    server.until(ids[3], is_running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_can_be_stopped() {
    let world = World::new().await;
    let server = world.server_with(Settings { max_running: Some(0), ..world.settings() }).await;
    let id = server.create(&world).await.id;
    server.until(id, |workspace| workspace.steps[0].detail.is_some()).await;

    server.control.stop_workspace(&server.admin, id).await.unwrap();

    server.until(id, phase_of("stopped")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_may_have_so_many_workspaces() {
    let world = World::new().await;
    let server = world.server_with(Settings { max_per_user: 1, ..world.settings() }).await;
    server.create(&world).await;

    let refused =
        server.control.create_workspace(&server.admin, control::NewWorkspace::default()).await.unwrap_err();

    assert_eq!(refused.code(), "too_many_workspaces");
}
