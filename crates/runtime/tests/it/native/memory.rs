//! The driver for simulations keeps the same contract, and fails when it is told to.

use runtime::memory::{MemoryDriver, Operation, Point};
use runtime::{Boot, Driver};

use super::contract;
use super::lab::{a_snapshot, a_spec};

#[tokio::test]
async fn the_contract_holds_in_memory() {
    let driver = MemoryDriver::new();

    contract::holds(&driver, Boot::default).await;

    assert_eq!(driver.snapshots(), []);
}

#[tokio::test]
async fn a_fault_before_leaves_no_trace_and_one_after_leaves_all() {
    let driver = MemoryDriver::new();
    let spec = a_spec();
    driver.fail_next(Operation::Create, Point::Before);
    driver.fail_next(Operation::Create, Point::After);

    driver.create(&spec).await.unwrap_err();
    assert_eq!(driver.list().await.unwrap(), []);
    driver.create(&spec).await.unwrap_err();

    assert_eq!(driver.list().await.unwrap().len(), 1);
    driver.create(&spec).await.unwrap();
}

#[tokio::test]
async fn a_crash_ends_the_run_and_wakes_who_waits_for_it() {
    let driver = MemoryDriver::new();
    let spec = a_spec();
    driver.create(&spec).await.unwrap();
    let boot = Boot { command: vec!["agent".into()], ..Boot::default() };
    driver.start(spec.id, boot).await.unwrap();
    assert_eq!(driver.boot_of(spec.id).unwrap().command, ["agent"]);

    driver.crash(spec.id);

    driver.ended(spec.id).await.unwrap();
    assert!(driver.boot_of(spec.id).is_none());
}

#[tokio::test]
async fn a_clone_is_the_same_machine() {
    let driver = MemoryDriver::new();
    let (spec, snapshot) = (a_spec(), a_snapshot());
    driver.clone().create(&spec).await.unwrap();

    driver.snapshot(spec.id, snapshot).await.unwrap();

    assert_eq!(driver.clone().snapshots(), [snapshot]);
}
