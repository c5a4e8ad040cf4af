//! Nudges within one server.

use tokio::sync::broadcast::error::TryRecvError;

use crate::database::Database;

pub(crate) async fn a_nudge_arrives_after_the_commit_and_once(database: Database) {
    let store = database.open().await;
    let mut nudges = store.nudges();
    let mut tx = store.begin().await.unwrap();

    tx.set_setting("a", "1").await.unwrap();
    tx.nudge("effects");
    tx.nudge("jobs".to_owned());
    tx.nudge("effects");
    assert_eq!(nudges.try_recv(), Err(TryRecvError::Empty));
    tx.commit().await.unwrap();

    assert_eq!(&*nudges.try_recv().unwrap(), "effects");
    assert_eq!(&*nudges.try_recv().unwrap(), "jobs");
    assert_eq!(nudges.try_recv(), Err(TryRecvError::Empty));
}

pub(crate) async fn a_transaction_that_is_dropped_nudges_nobody(database: Database) {
    let store = database.open().await;
    let mut nudges = store.nudges();
    let mut dropped = store.begin().await.unwrap();

    dropped.nudge("never");
    drop(dropped);
    let mut tx = store.begin().await.unwrap();
    tx.nudge("now");
    tx.commit().await.unwrap();

    assert_eq!(&*nudges.try_recv().unwrap(), "now");
}
