//! A machine in trouble: what passes is tried again, what lasts is said.

use domain::{Phase, SignedDuration};
use runtime::DriverError;

use crate::sim::{LIMIT, Point, World, is_running, phase_of};

fn busy() -> DriverError {
    DriverError::System { what: "cannot mount".into(), source: std::io::ErrorKind::ResourceBusy.into() }
}

fn full() -> DriverError {
    DriverError::NoSpace { what: "the upper layer".into() }
}

/// Lets time run until the condition holds: what is tried again later becomes due.
async fn as_time_goes_by(world: &World, condition: impl AsyncFnMut() -> bool) {
    let mut condition = condition;
    testkit::wait_until(LIMIT, async || {
        world.clock.advance(SignedDuration::from_millis(200));
        condition().await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again() {
    let world = World::new().await;
    let server = world.server().await;
    world.machine.fail(Point::Create, busy());
    world.machine.fail(Point::Start, busy());

    let id = server.create(&world).await.id;
    as_time_goes_by(&world, async || is_running(&server.see(id).await)).await;

    let log = server.control.log_so_far(&server.admin, id, 0, 100).await.unwrap();
    assert!(
        log.iter().any(|line| line.text.contains("cannot mount: resource busy; trying again")),
        "{log:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_given_up_with_what_the_machine_said() {
    let world = World::new().await;
    let server = world.server().await;
    for _ in 0..5 {
        world.machine.fail(Point::Create, busy());
    }

    let id = server.create(&world).await.id;
    as_time_goes_by(&world, async || server.see(id).await.phase.name() == "failed").await;

    let Phase::Failed(failure) = server.see(id).await.phase else { panic!("not failed") };
    assert_eq!(failure.reason, "cannot mount: resource busy");
    assert!(failure.mend.contains("hearth doctor"));
    assert_eq!(world.machine.begun(Point::Create), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_at_once() {
    let world = World::new().await;
    let server = world.server().await;
    world.machine.fail(Point::Create, full());

    let id = server.create(&world).await.id;
    let failed = server.until(id, phase_of("failed")).await;

    let Phase::Failed(failure) = failed.phase else { panic!("not failed") };
    assert_eq!((failure.step.name(), failure.reason.as_str()), ("create", "no space left: the upper layer"));
    assert!(failure.mend.contains("free some space"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_is_never_given_up_and_says_what_hinders_it() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    for _ in 0..7 {
        world.machine.fail(Point::Remove, busy());
    }

    server.control.delete_workspace(&server.admin, id).await.unwrap();
    let stuck = server.until(id, |workspace| workspace.notices.len() > 1).await;
    let mut gone = false;
    testkit::wait_until(LIMIT * 3, async || {
        // Longer pauses than anybody wants to wait for in a test: the next try is nudged.
        world.clock.advance(SignedDuration::from_secs(60));
        server.control.pass().await.unwrap();
        gone = server.control.workspace(&server.admin, id).await.is_err();
        gone
    })
    .await;

    assert!(stuck.notices.iter().any(|notice| notice.contains("cannot mount")), "{:?}", stuck.notices);
    assert_eq!(world.leftovers(), Vec::<String>::new());
}
