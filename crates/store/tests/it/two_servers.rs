//! Two servers on one PostgreSQL.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Effect;
use store::EVERYTHING;
use testkit::wait_until;

use crate::database::Database;
use crate::fixture::{saved_workspaces, t, t0};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_share_leases_and_nudges() {
    let Some(server) = testkit::postgres().await else { return };
    let database = Database::Postgres { url: server.database().await };
    let (one, two) = (database.open().await, database.open().await);

    // Every effect is claimed by exactly one of them, however they race.
    let ids = saved_workspaces(&one, 60).await;
    let mut tx = one.begin().await.unwrap();
    for id in &ids {
        tx.put_effect(*id, Effect::Create, t0()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let workers = [(&one, "one"), (&two, "two"), (&one, "one"), (&two, "two")].map(|(store, owner)| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let mut tx = store.begin().await.unwrap();
                let some = tx.claim_effects(t(1), t(60), owner, 4).await.unwrap();
                tx.commit().await.unwrap();
                if some.is_empty() {
                    return claimed;
                }
                claimed.extend(some.into_iter().map(|effect| effect.workspace));
            }
        })
    });
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), 60);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), ids.iter().copied().collect());

    // What one server holds, the other gets when the lease has ended.
    let mut tx = two.begin().await.unwrap();
    assert_eq!(tx.claim_effects(t(59), t(99), "two", 100).await.unwrap(), []);
    assert_eq!(tx.claim_effects(t(60), t(99), "two", 100).await.unwrap().len(), 60);
    drop(tx);

    // A nudge reaches the other server, and its own only once.
    let (mut at_one, mut at_two) = (one.nudges(), two.nudges());
    let mut tx = one.begin().await.unwrap();
    tx.nudge("hello");
    tx.commit().await.unwrap();
    assert_eq!(&*at_two.recv().await.unwrap(), "hello");
    let mut tx = two.begin().await.unwrap();
    tx.nudge("answer");
    tx.commit().await.unwrap();
    assert_eq!(&*at_one.recv().await.unwrap(), "hello");
    assert_eq!(&*at_one.recv().await.unwrap(), "answer");

    // After the connections broke, both are told to look at everything, and nudges flow again.
    server.cut_connections().await;
    assert_eq!(&*at_two.recv().await.unwrap(), "answer");
    wait_until(LIMIT, async || at_two.try_recv().is_ok_and(|topic| &*topic == EVERYTHING)).await;
    wait_until(LIMIT, async || {
        let Ok(mut tx) = one.begin().await else { return false };
        tx.nudge("again");
        tx.commit().await.is_ok() && at_two.try_recv().is_ok_and(|topic| &*topic == "again")
    })
    .await;
}
