//! What every driver must do. Written once, run on each.

use std::time::Duration;

use domain::Rootfs;
use runtime::{Boot, Driver, DriverError, SandboxState};
use tokio_util::sync::CancellationToken;

use super::lab::{PATIENCE, a_snapshot, a_spec, a_workspace};

const GRACE: Duration = Duration::from_secs(5);

/// Runs the whole suite. `boot` makes something that keeps running until it is stopped.
pub(crate) async fn holds(driver: &dyn Driver, boot: impl Fn() -> Boot) {
    preparing_the_machine_itself_needs_nothing(driver).await;
    a_created_sandbox_is_listed_as_stopped_and_creating_it_again_changes_nothing(driver).await;
    a_started_sandbox_runs_and_starting_it_again_changes_nothing(driver, &boot).await;
    a_stopped_sandbox_can_be_started_again(driver, &boot).await;
    waiting_for_the_end_returns_when_it_comes(driver, &boot).await;
    a_removed_sandbox_is_gone_running_or_not(driver, &boot).await;
    what_does_not_exist_is_said_not_to(driver).await;
    only_a_stopped_sandbox_can_be_sealed(driver, &boot).await;
    a_fork_outlives_what_it_was_forked_from(driver, &boot).await;
    usage_is_nothing_while_stopped(driver, &boot).await;
    assert_eq!(driver.list().await.unwrap(), [], "nothing is left");
}

async fn state(driver: &dyn Driver, id: domain::WorkspaceId) -> Option<SandboxState> {
    driver.list().await.unwrap().into_iter().find(|one| one.id == id).map(|one| one.state)
}

async fn preparing_the_machine_itself_needs_nothing(driver: &dyn Driver) {
    driver.prepare(&Rootfs::Host, &|_| {}, &CancellationToken::new()).await.unwrap();
}

async fn a_created_sandbox_is_listed_as_stopped_and_creating_it_again_changes_nothing(driver: &dyn Driver) {
    let spec = a_spec();

    driver.create(&spec).await.unwrap();
    driver.create(&spec).await.unwrap();

    assert_eq!(state(driver, spec.id).await, Some(SandboxState::Stopped));
    driver.remove(spec.id).await.unwrap();
}

async fn a_started_sandbox_runs_and_starting_it_again_changes_nothing(
    driver: &dyn Driver,
    boot: &impl Fn() -> Boot,
) {
    let spec = a_spec();
    driver.create(&spec).await.unwrap();

    driver.start(spec.id, boot()).await.unwrap();
    driver.start(spec.id, boot()).await.unwrap();

    assert_eq!(state(driver, spec.id).await, Some(SandboxState::Running));
    driver.remove(spec.id).await.unwrap();
}

async fn a_stopped_sandbox_can_be_started_again(driver: &dyn Driver, boot: &impl Fn() -> Boot) {
    let spec = a_spec();
    driver.create(&spec).await.unwrap();
    driver.start(spec.id, boot()).await.unwrap();

    driver.stop(spec.id, GRACE).await.unwrap();
    driver.stop(spec.id, GRACE).await.unwrap();
    assert_eq!(state(driver, spec.id).await, Some(SandboxState::Stopped));
    driver.start(spec.id, boot()).await.unwrap();

    assert_eq!(state(driver, spec.id).await, Some(SandboxState::Running));
    driver.remove(spec.id).await.unwrap();
}

async fn waiting_for_the_end_returns_when_it_comes(driver: &dyn Driver, boot: &impl Fn() -> Boot) {
    let spec = a_spec();
    driver.ended(spec.id).await.unwrap();
    driver.create(&spec).await.unwrap();
    driver.ended(spec.id).await.unwrap();
    driver.start(spec.id, boot()).await.unwrap();

    let stop = async {
        tokio::task::yield_now().await;
        driver.stop(spec.id, GRACE).await.unwrap();
    };
    let both = async { tokio::join!(driver.ended(spec.id), stop) };
    let (ended, ()) = tokio::time::timeout(PATIENCE, both).await.unwrap();

    ended.unwrap();
    driver.remove(spec.id).await.unwrap();
}

async fn a_removed_sandbox_is_gone_running_or_not(driver: &dyn Driver, boot: &impl Fn() -> Boot) {
    let (stopped, running) = (a_spec(), a_spec());
    driver.create(&stopped).await.unwrap();
    driver.create(&running).await.unwrap();
    driver.start(running.id, boot()).await.unwrap();

    for id in [stopped.id, running.id, running.id] {
        driver.remove(id).await.unwrap();
        assert_eq!(state(driver, id).await, None);
    }
}

async fn what_does_not_exist_is_said_not_to(driver: &dyn Driver) {
    let id = a_workspace();

    assert!(
        matches!(driver.start(id, Boot::default()).await, Err(DriverError::NoSandbox(other)) if other == id)
    );
    assert!(matches!(driver.usage(id).await, Err(DriverError::NoSandbox(other)) if other == id));
    assert!(
        matches!(driver.snapshot(id, a_snapshot()).await, Err(DriverError::NoSandbox(other)) if other == id)
    );
    let mut fork = a_spec();
    let base = a_snapshot();
    fork.base = Some(base);
    assert!(matches!(driver.create(&fork).await, Err(DriverError::NoSnapshot(other)) if other == base));
    // What is to be gone is gone.
    driver.stop(id, GRACE).await.unwrap();
    driver.remove(id).await.unwrap();
    driver.remove_snapshot(base).await.unwrap();
}

async fn only_a_stopped_sandbox_can_be_sealed(driver: &dyn Driver, boot: &impl Fn() -> Boot) {
    let spec = a_spec();
    let snapshot = a_snapshot();
    driver.create(&spec).await.unwrap();
    driver.start(spec.id, boot()).await.unwrap();

    let early = driver.snapshot(spec.id, snapshot).await;
    driver.stop(spec.id, GRACE).await.unwrap();
    driver.snapshot(spec.id, snapshot).await.unwrap();
    driver.snapshot(spec.id, snapshot).await.unwrap();

    assert!(matches!(early, Err(DriverError::StillRunning(id)) if id == spec.id));
    driver.start(spec.id, boot()).await.unwrap();
    driver.remove(spec.id).await.unwrap();
    driver.remove_snapshot(snapshot).await.unwrap();
}

async fn a_fork_outlives_what_it_was_forked_from(driver: &dyn Driver, boot: &impl Fn() -> Boot) {
    let origin = a_spec();
    let snapshot = a_snapshot();
    driver.create(&origin).await.unwrap();
    driver.snapshot(origin.id, snapshot).await.unwrap();
    let mut fork = a_spec();
    fork.base = Some(snapshot);
    driver.create(&fork).await.unwrap();

    driver.remove(origin.id).await.unwrap();
    driver.remove_snapshot(snapshot).await.unwrap();

    driver.start(fork.id, boot()).await.unwrap();
    driver.remove(fork.id).await.unwrap();
    let mut late = a_spec();
    late.base = Some(snapshot);
    assert!(
        matches!(driver.create(&late).await, Err(DriverError::NoSnapshot(_))),
        "the layer went with the last"
    );
}

async fn usage_is_nothing_while_stopped(driver: &dyn Driver, boot: &impl Fn() -> Boot) {
    let spec = a_spec();
    driver.create(&spec).await.unwrap();

    assert_eq!(driver.usage(spec.id).await.unwrap().pids, 0);
    driver.start(spec.id, boot()).await.unwrap();
    assert!(driver.usage(spec.id).await.unwrap().pids > 0);

    driver.remove(spec.id).await.unwrap();
}

mod native {
    use super::super::lab::{Lab, is_root, skip};

    #[tokio::test]
    async fn the_contract_holds_for_the_native_driver_as_root() {
        if !is_root() {
            return skip("this test needs root");
        }
        let lab = Lab::open().await;

        super::holds(&lab.driver, || lab.boot("exec sleep 1000")).await;
    }
}
