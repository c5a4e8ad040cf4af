//! What is kept, what is undone, and what many at once see of each other.

use std::time::Duration;

use futures_util::future::join_all;
use store::{Store, StoreError};
use testkit::wait_until;

use crate::database::Database;
use crate::fixture::{a_user, saved_user};

const LIMIT: Duration = Duration::from_secs(10);

async fn setting(store: &Store, key: &str) -> Option<String> {
    store.read().await.unwrap().setting(key).await.unwrap()
}

pub(crate) async fn what_was_committed_is_there_after_a_restart(database: Database) {
    let store = database.open().await;
    let ada = saved_user(&store, "ada").await;
    // No close: a server that is killed does not get to it either.
    drop(store);

    let store = database.open().await;

    assert!(store.read().await.unwrap().user(ada).await.unwrap().is_some());
}

pub(crate) async fn a_dropped_transaction_leaves_nothing(database: Database) {
    let store = database.open().await;

    let mut dropped = store.begin().await.unwrap();
    dropped.set_setting("a", "1").await.unwrap();
    drop(dropped);

    let mut next = store.begin().await.unwrap();
    assert_eq!(next.setting("a").await.unwrap(), None);
    next.set_setting("b", "2").await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(setting(&store, "a").await, None);
    assert_eq!(setting(&store, "b").await.as_deref(), Some("2"));
}

pub(crate) async fn a_cancelled_transaction_leaves_nothing(database: Database) {
    let store = database.open().await;

    // Cut off at every point where it waits: after one poll, after two, and so on.
    for polls in 0..40 {
        let work = async {
            let mut tx = store.begin().await.unwrap();
            tx.set_setting("a", "1").await.unwrap();
            tx.insert_user(&a_user("ada"), None).await.unwrap();
            std::future::pending::<()>().await;
        };
        cut_after(polls, work).await;
    }

    assert_eq!(setting(&store, "a").await, None);
    assert_eq!(store.read().await.unwrap().count_users().await.unwrap(), 0);
    let mut tx = store.begin().await.unwrap();
    tx.set_setting("b", "2").await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn a_transaction_that_nobody_waits_for_is_not_left_open(database: Database) {
    let store = database.open().await;
    // Cut off wherever it waits for the engine, whose answer takes many polls to come over the network.
    for polls in (0..1500).step_by(7) {
        let begin = async {
            drop(store.read().await);
            std::future::pending::<()>().await;
        };
        cut_after(polls, begin).await;

        // Whatever connection this gets, it can write.
        let mut tx = store.begin().await.unwrap();
        tx.workspace_for_update(domain::WorkspaceId::NIL).await.unwrap();
        tx.set_setting("polls", &polls.to_string()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(setting(&store, "polls").await, Some(polls.to_string()));
    }
}

pub(crate) async fn a_commit_goes_through_when_nobody_waits_for_it(database: Database) {
    let store = database.open().await;
    let mut nudges = store.nudges();
    let mut tx = store.begin().await.unwrap();
    tx.set_setting("a", "1").await.unwrap();
    tx.nudge("done");

    cut_after(1, tx.commit()).await;

    wait_until(LIMIT, async || setting(&store, "a").await.is_some()).await;
    assert_eq!(&*nudges.recv().await.unwrap(), "done");
}

#[test]
fn every_future_can_move_between_threads() {
    fn is_send(_: impl Send) {}
    // Never run: that it compiles is the test, for handlers and tasks need it.
    let _ = |store: Store| {
        is_send(Store::open("sqlite:x"));
        is_send(async move {
            let mut tx = store.begin().await?;
            tx.set_setting("a", "1").await?;
            tx.commit().await?;
            store.close().await;
            Ok::<_, StoreError>(())
        });
    };
}

/// Polls a future so many times, then drops it.
async fn cut_after<T>(polls: usize, work: impl Future<Output = T>) {
    let mut work = std::pin::pin!(work);
    for _ in 0..polls {
        let once = std::future::poll_fn(|ctx| std::task::Poll::Ready(work.as_mut().poll(ctx).is_ready()));
        if once.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn a_reader_sees_one_state(database: Database) {
    let store = database.open().await;
    let mut reader = store.read().await.unwrap();
    assert_eq!(reader.setting("a").await.unwrap(), None);

    let mut tx = store.begin().await.unwrap();
    tx.set_setting("a", "1").await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(reader.setting("a").await.unwrap(), None);
    assert_eq!(setting(&store, "a").await.as_deref(), Some("1"));
    reader.commit().await.unwrap();
}

pub(crate) async fn a_reader_cannot_write(database: Database) {
    let store = database.open().await;
    let mut reader = store.read().await.unwrap();

    let write = reader.set_setting("a", "1").await;

    assert!(matches!(write, Err(StoreError::Unavailable { .. })), "{write:?}");
    assert!(reader.setting("a").await.is_err(), "after an error a transaction can only be dropped");
    assert!(reader.commit().await.is_err());
    assert_eq!(setting(&store, "a").await, None);
}

pub(crate) async fn many_writers_at_once_lose_nothing(database: Database) {
    let store = database.open().await;

    let writes = (0..100).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut tx = store.begin().await.unwrap();
            tx.set_setting(&format!("key-{number}"), "1").await.unwrap();
            if number % 10 == 0 { drop(tx) } else { tx.commit().await.unwrap() }
        })
    });
    for done in join_all(writes).await {
        done.unwrap();
    }

    let kept = database.texts("select key from settings").await;
    assert_eq!(kept.len(), 90);
    assert!(!kept.contains(&"key-10".to_owned()));
}

pub(crate) async fn a_closed_store_says_so(database: Database) {
    let store = database.open().await;
    let clone = store.clone();

    store.close().await;

    for result in [clone.begin().await, clone.read().await] {
        let error = result.map(drop).unwrap_err();
        assert_eq!(error.to_string(), "cannot use the database: the store is closed");
    }
}
