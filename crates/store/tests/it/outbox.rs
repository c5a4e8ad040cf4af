//! Wanted effects: generations and leases.

use domain::{Effect, WorkspaceId};
use store::{ClaimedEffect, StoreError, Tx};

use crate::database::Database;
use crate::fixture::{ENTROPY, saved_workspace, saved_workspaces, t, t0};

async fn claim_at(tx: &mut Tx, seconds: i64) -> Vec<ClaimedEffect> {
    tx.claim_effects(t(seconds), t(seconds + 10), "server", 100).await.unwrap()
}

async fn claim_one(tx: &mut Tx, seconds: i64) -> ClaimedEffect {
    let claimed = claim_at(tx, seconds).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed[0].clone()
}

pub(crate) async fn an_effect_is_claimed_once_it_is_due(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Prepare, t(5)).await.unwrap();

    assert_eq!(claim_at(&mut tx, 4).await, []);
    let claimed = claim_one(&mut tx, 5).await;

    let expected = ClaimedEffect { workspace: id, effect: Effect::Prepare, generation: 1, attempt: 0 };
    assert_eq!(claimed, expected);
    assert!(tx.finish_effect(id, 1).await.unwrap());
    assert!(!tx.finish_effect(id, 1).await.unwrap());
    assert_eq!(claim_at(&mut tx, 99).await, []);
}

pub(crate) async fn a_claimed_effect_is_nobody_elses_until_its_lease_ends(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Create, t0()).await.unwrap();
    tx.claim_effects(t0(), t(10), "one", 9).await.unwrap();

    let early = tx.claim_effects(t(9), t(20), "two", 9).await.unwrap();
    let late = tx.claim_effects(t(10), t(20), "two", 9).await.unwrap();

    assert_eq!(early, []);
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].attempt, 1, "a lease that ran out counts as an attempt");
}

pub(crate) async fn a_clock_that_is_set_back_keeps_nothing_waiting(database: Database) {
    let store = database.open().await;
    let [later, held] = saved_workspaces(&store, 2).await[..] else { panic!("two workspaces") };
    let mut tx = store.begin().await.unwrap();
    let before = 24 * 3600;
    tx.put_effect(held, Effect::Create, t(before)).await.unwrap();
    tx.claim_effects(t(before), t(before + 60), "gone", 9).await.unwrap();
    tx.put_effect(later, Effect::Create, t(before)).await.unwrap();

    let claimed = claim_at(&mut tx, 0).await;

    assert_eq!(claimed.len(), 2, "{claimed:?}");
}

pub(crate) async fn a_newer_wish_replaces_the_older_and_outlives_its_end(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Create, t0()).await.unwrap();
    let older = claim_one(&mut tx, 0).await;

    tx.put_effect(id, Effect::Halt, t0()).await.unwrap();

    assert!(!tx.finish_effect(id, older.generation).await.unwrap());
    assert!(!tx.retry_effect(id, older.generation, t(1)).await.unwrap());
    assert!(!tx.renew_effect(id, older.generation, "server", t(99)).await.unwrap());
    let newer = claim_one(&mut tx, 0).await;
    assert_eq!((newer.effect, newer.attempt), (Effect::Halt, 0));
    assert!(newer.generation > older.generation);
    assert!(tx.finish_effect(id, newer.generation).await.unwrap());
}

pub(crate) async fn a_generation_is_never_used_twice(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    let mut last = 0;

    for round in 0..6 {
        tx.put_effect(id, Effect::Create, t0()).await.unwrap();
        let claimed = claim_one(&mut tx, 0).await;
        assert!(claimed.generation > last);
        last = claimed.generation;
        match round % 3 {
            0 => assert!(tx.finish_effect(id, last).await.unwrap()),
            1 => tx.clear_effect(id).await.unwrap(),
            _ => {}
        }
    }
}

pub(crate) async fn a_cleared_effect_cannot_come_back(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Create, t0()).await.unwrap();
    let claimed = claim_one(&mut tx, 0).await;

    tx.clear_effect(id).await.unwrap();

    assert!(!tx.retry_effect(id, claimed.generation, t(1)).await.unwrap());
    assert_eq!(claim_at(&mut tx, 99).await, []);
    tx.clear_effect(WorkspaceId::generate(t0(), &*ENTROPY)).await.unwrap();
}

pub(crate) async fn a_retried_effect_waits_and_counts(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Create, t0()).await.unwrap();

    for attempt in 0..3 {
        let now = i64::from(attempt) * 100;
        let claimed = claim_one(&mut tx, now).await;
        assert_eq!(claimed.attempt, attempt);
        assert!(tx.retry_effect(id, claimed.generation, t(now + 100)).await.unwrap());
        assert_eq!(claim_at(&mut tx, now + 99).await, []);
    }
}

pub(crate) async fn a_lease_can_be_renewed_by_its_owner_only(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Initialise, t0()).await.unwrap();
    let claimed = claim_one(&mut tx, 0).await;

    assert!(!tx.renew_effect(id, claimed.generation, "another", t(100)).await.unwrap());
    assert!(tx.renew_effect(id, claimed.generation, "server", t(100)).await.unwrap());

    assert_eq!(claim_at(&mut tx, 99).await, []);
    assert_eq!(claim_at(&mut tx, 100).await.len(), 1);
}

pub(crate) async fn leases_are_released_by_owner(database: Database) {
    let store = database.open().await;
    let ids = saved_workspaces(&store, 2).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(ids[0], Effect::Create, t0()).await.unwrap();
    tx.claim_effects(t0(), t(500), "gone", 9).await.unwrap();
    tx.put_effect(ids[1], Effect::Create, t0()).await.unwrap();
    tx.claim_effects(t0(), t(500), "alive", 9).await.unwrap();
    tx.enqueue_job("mail", None, &serde_json::json!(1), t0()).await.unwrap();
    tx.claim_jobs(t0(), t(500), "gone", 9).await.unwrap();

    assert_eq!(tx.release_leases("gone").await.unwrap(), 2);

    let again = claim_one(&mut tx, 1).await;
    assert_eq!((again.workspace, again.attempt), (ids[0], 0), "a lease given back is no attempt");
    assert_eq!(tx.claim_jobs(t(1), t(9), "alive", 9).await.unwrap().len(), 1);
}

pub(crate) async fn effects_are_claimed_longest_due_first_up_to_the_limit(database: Database) {
    let store = database.open().await;
    let ids = saved_workspaces(&store, 5).await;
    let mut tx = store.begin().await.unwrap();
    for (id, due) in ids.iter().zip([3, 1, 4, 2, 5]) {
        tx.put_effect(*id, Effect::Create, t(due)).await.unwrap();
    }

    let first = tx.claim_effects(t(9), t(19), "server", 3).await.unwrap();
    let rest = tx.claim_effects(t(9), t(19), "server", 3).await.unwrap();

    let order: Vec<_> = first.iter().chain(&rest).map(|claimed| claimed.workspace).collect();
    assert_eq!(order, [ids[1], ids[3], ids[0], ids[2], ids[4]]);
    assert_eq!(first.len(), 3);
}

pub(crate) async fn what_is_wanted_can_be_listed_claimed_or_not(database: Database) {
    let store = database.open().await;
    let ids = saved_workspaces(&store, 4).await;
    let mut tx = store.begin().await.unwrap();
    for id in &ids {
        tx.put_effect(*id, Effect::Create, t0()).await.unwrap();
    }
    tx.claim_effects(t0(), t(9), "server", 1).await.unwrap();

    tx.clear_effect(ids[0]).await.unwrap();
    tx.finish_effect(ids[1], 1).await.unwrap();

    let mut expected = ids[2..].to_vec();
    expected.sort_unstable();
    assert_eq!(tx.wanted_effects().await.unwrap(), expected);
}

pub(crate) async fn an_effect_needs_a_workspace(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();

    let put = tx.put_effect(WorkspaceId::generate(t0(), &*ENTROPY), Effect::Create, t0()).await;

    assert!(matches!(put, Err(StoreError::Conflict { .. })), "{put:?}");
}
