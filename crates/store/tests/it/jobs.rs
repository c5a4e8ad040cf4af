//! One-shot work.

use serde_json::json;
use store::{Job, Tx};

use crate::database::Database;
use crate::fixture::{t, t0};

async fn claim_at(tx: &mut Tx, seconds: i64) -> Vec<Job> {
    tx.claim_jobs(t(seconds), t(seconds + 10), "server", 100).await.unwrap()
}

pub(crate) async fn a_job_runs_once_and_is_gone(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();
    let payload = json!({"to": "https://example.org", "nul": "\0"});
    assert!(tx.enqueue_job("webhook", None, &payload, t(2)).await.unwrap());

    assert_eq!(claim_at(&mut tx, 1).await, []);
    let jobs = claim_at(&mut tx, 2).await;

    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].kind.as_str(), &jobs[0].payload, jobs[0].attempt), ("webhook", &payload, 0));
    tx.finish_job(jobs[0].id).await.unwrap();
    assert_eq!(claim_at(&mut tx, 99).await, []);
}

pub(crate) async fn a_job_with_the_same_key_is_not_added_twice(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();

    assert!(tx.enqueue_job("sweep", Some("a"), &json!(1), t0()).await.unwrap());
    assert!(!tx.enqueue_job("sweep", Some("a"), &json!(2), t0()).await.unwrap());
    assert!(tx.enqueue_job("sweep", Some("b"), &json!(3), t0()).await.unwrap());
    assert!(tx.enqueue_job("other", Some("a"), &json!(4), t0()).await.unwrap());
    assert!(tx.enqueue_job("sweep", None, &json!(5), t0()).await.unwrap());
    assert!(tx.enqueue_job("sweep", None, &json!(6), t0()).await.unwrap());

    let jobs = claim_at(&mut tx, 0).await;
    assert_eq!(jobs.iter().map(|job| job.payload.clone()).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    assert!(!tx.enqueue_job("sweep", Some("a"), &json!(7), t0()).await.unwrap());
    tx.finish_job(jobs[0].id).await.unwrap();
    assert!(tx.enqueue_job("sweep", Some("a"), &json!(8), t0()).await.unwrap());
}

pub(crate) async fn a_job_is_tried_again_later_and_given_up_at_last(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.enqueue_job("webhook", Some("a"), &json!(1), t0()).await.unwrap();

    let first = claim_at(&mut tx, 0).await;
    tx.retry_job(first[0].id, t(50), "it answered 503").await.unwrap();
    assert_eq!(claim_at(&mut tx, 49).await, []);
    let second = claim_at(&mut tx, 50).await;
    assert_eq!(second[0].attempt, 1);
    tx.give_up_job(second[0].id, "it answered 410").await.unwrap();

    assert_eq!(claim_at(&mut tx, 1000).await, []);
    assert!(tx.enqueue_job("webhook", Some("a"), &json!(2), t0()).await.unwrap());
    tx.commit().await.unwrap();
    let problem = database.texts("select last_problem from jobs where given_up = 1").await;
    assert_eq!(problem, ["it answered 410"]);
}

pub(crate) async fn a_job_whose_server_died_is_claimed_again(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.enqueue_job("webhook", None, &json!(1), t0()).await.unwrap();
    assert_eq!(claim_at(&mut tx, 0).await.len(), 1);

    assert_eq!(claim_at(&mut tx, 9).await, []);
    assert_eq!(claim_at(&mut tx, 10).await[0].attempt, 1);
}
