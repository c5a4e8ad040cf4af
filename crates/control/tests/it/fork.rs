//! Forks and snapshots.

use control::NewWorkspace;
use domain::{SignedDuration, Workspace};

use crate::sim::{LIMIT, Server, World, is_running, phase_of};

async fn stopped(world: &World, server: &Server) -> Workspace {
    let id = server.running(world).await.id;
    server.control.stop_workspace(&server.admin, id).await.unwrap();
    server.until(id, phase_of("stopped")).await
}

/// Lets the jobs become due that forget what nothing needs.
async fn until_forgotten(world: &World, server: &Server) {
    testkit::wait_until(LIMIT, async || {
        world.clock.advance(SignedDuration::from_mins(11));
        server.control.pass().await.unwrap();
        world.machine.state().snapshots.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_begins_with_the_files_and_does_not_clone_again() {
    let world = World::new().await;
    let server = world.server().await;
    let first = stopped(&world, &server).await;

    let fork = server.control.fork_workspace(&server.admin, first.id).await.unwrap();
    let fork = server.until(fork.id, is_running).await;

    assert_eq!(fork.name.as_str(), "sample-2");
    assert_eq!(fork.source, first.source);
    assert!(fork.initialised);
    assert_eq!(world.machine.state().sandboxes[&fork.id].spec.base, fork.base);
    assert_eq!(world.machine.begun(crate::sim::Point::Remove), 0);
    assert_eq!(server.see(first.id).await.phase.name(), "stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_cannot_be_forked_or_sealed_and_the_mend_is_said() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;

    let fork = server.control.fork_workspace(&server.admin, id).await.unwrap_err();
    let snapshot = server.control.take_snapshot(&server.admin, id).await.unwrap_err();

    for error in [fork, snapshot] {
        assert_eq!((error.code(), error.mend().as_str()), ("not_stopped", "stop it first"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_made_from_a_snapshot_outlives_it() {
    let world = World::new().await;
    let server = world.server().await;
    let first = stopped(&world, &server).await;
    let snapshot = server.control.take_snapshot(&server.admin, first.id).await.unwrap();
    let wish = NewWorkspace { snapshot: Some(snapshot.id), ..NewWorkspace::default() };
    let made = server.control.create_workspace(&server.admin, wish).await.unwrap().id;
    server.until(made, is_running).await;

    server.control.delete_snapshot(&server.admin, snapshot.id).await.unwrap();
    world.clock.advance(SignedDuration::from_mins(20));
    server.control.pass().await.unwrap();

    assert!(server.control.snapshots(&server.admin).await.unwrap().is_empty());
    assert!(world.machine.state().snapshots.contains(&snapshot.id), "a workspace stands on it");
    server.control.delete_workspace(&server.admin, made).await.unwrap();
    server.until_gone(made).await;
    until_forgotten(&world, &server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sealed_disk_of_a_fork_goes_with_the_last_that_stands_on_it() {
    let world = World::new().await;
    let server = world.server().await;
    let first = stopped(&world, &server).await;
    let fork = server.control.fork_workspace(&server.admin, first.id).await.unwrap();
    server.until(fork.id, is_running).await;

    server.control.delete_workspace(&server.admin, first.id).await.unwrap();
    server.until_gone(first.id).await;
    world.clock.advance(SignedDuration::from_mins(20));
    server.control.pass().await.unwrap();
    assert_eq!(world.machine.state().snapshots.len(), 1);
    server.control.delete_workspace(&server.admin, fork.id).await.unwrap();
    server.until_gone(fork.id).await;

    until_forgotten(&world, &server).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_of_what_never_ran_clones_for_itself() {
    let world = World::new().await;
    let server = world.server_with(control::Settings { max_running: Some(0), ..world.settings() }).await;
    let first = server.create(&world).await.id;
    server.control.stop_workspace(&server.admin, first).await.unwrap();
    server.until(first, phase_of("stopped")).await;

    let fork = server.control.fork_workspace(&server.admin, first).await.unwrap();
    let sealed = server.control.take_snapshot(&server.admin, first).await.unwrap_err();

    assert!(fork.base.is_none() && !fork.initialised && fork.source.is_some());
    assert_eq!(sealed.code(), "no_disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_sealing_and_recording_leaves_nothing_behind_for_ever() {
    let world = World::new().await;
    let server = world.server().await;
    let first = stopped(&world, &server).await;
    let fork = server.control.fork_workspace(&server.admin, first.id).await.unwrap();
    // As if the second transaction had never happened.
    let mut tx = world.store.begin().await.unwrap();
    tx.delete_workspace(fork.id).await.unwrap();
    tx.commit().await.unwrap();

    until_forgotten(&world, &server).await;
}
