//! Several servers on one storage.

use std::time::Duration;

use domain::SignedDuration;
use registry::Entry;
use serde_json::{Value, json};

use crate::hall::{Hall, Hand, a_kite, now, origin, soon};

/// Registers a kite that answers no heartbeats.
async fn registers_silently(hall: &Hall, id: &str) -> Hand {
    let mut hand = hall.hand(origin(None));
    let key = hall.kite_key("alice-key");
    hand.send(&json!({
        "method": "register",
        "arguments": [{
            "kite": a_kite(id),
            "authentication": {"type": "kiteKey", "key": key.expose()},
            "responseCallback": "[Function]",
            "withArgs": [{"url": "http://127.0.0.1:1/"}],
        }],
        "callbacks": {"0": [0, "responseCallback"]},
    }))
    .await;
    hall.until_ids(&[id]).await;
    hand
}

/// Puts into storage what another server would have written about this kite of ours.
fn registered_there(hall: &Hall, id: &str, ago: SignedDuration) {
    let ours = hall.registry.get(id).unwrap();
    let row = Entry {
        server: "there".into(),
        generation: 9,
        registered_at: now(&hall.clock) - ago,
        seen_at: now(&hall.clock),
        ..Entry::clone(&ours)
    };
    hall.shelf.rows().stored.insert(id.to_owned(), row);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_kite_registered_on_another_server_is_closed() {
    let hall = Hall::new().await;
    let beside = hall.beside("there").await;
    let old = hall.connect_as("alice-key", a_kite("a"));
    old.register().await;
    hall.pass(1).await;
    let new = beside.connect_as("alice-key", a_kite("a"));
    new.register().await;
    beside.pass(1).await;

    hall.registry.changed_elsewhere();

    soon(old.peer.closed()).await;
    assert!(!new.peer.is_closed());
    assert_eq!(hall.registry.get("a").unwrap().server, "there");
}

#[tokio::test(start_paused = true)]
async fn an_agents_link_stays_though_its_kite_registered_on_another_server() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, domain::TeamId::NIL);
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();
    hall.pass(1).await;
    registered_there(&hall, &id.to_string(), SignedDuration::ZERO);

    hall.registry.changed_elsewhere();
    hall.pass(3).await;

    assert_eq!(hall.registry.get(&id.to_string()).unwrap().server, "there");
    assert!(!agent.peer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn whose_id_is_taken_on_another_server_is_disconnected() {
    let hall = Hall::new().await;
    let beside = hall.beside("there").await;
    let hers = hall.connect_as("alice-key", a_kite("a"));
    hers.register().await;
    hall.pass(1).await;

    let his = beside.connect_as("bob-key", a_kite("a"));
    his.register().await;

    soon(his.peer.closed()).await;
    assert!(!hers.peer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_moved_while_the_clocks_differ_is_not_taken_back() {
    let hall = Hall::new().await;
    let mut dead = registers_silently(&hall, "a").await;
    hall.pass(16).await;
    // By the other server's clock it came there before it came here.
    registered_there(&hall, "a", SignedDuration::from_mins(1));

    hall.registry.changed_elsewhere();
    hall.pass(3).await;

    assert_eq!(hall.registry.get("a").unwrap().server, "there");
    hall.pass(30).await;
    assert_eq!(hall.shelf.rows().stored["a"].server, "there");
    while let Some(message) = dead.next().await {
        assert_ne!(message, Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_server_says_in_a_row_is_read_together() {
    let hall = Hall::new().await;
    let before = hall.shelf.rows().loads;

    for _ in 0..50 {
        hall.registry.changed_elsewhere();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    hall.pass(5).await;

    assert_eq!(hall.shelf.rows().loads - before, 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_told_of_another_server_is_found_within_a_minute() {
    let hall = Hall::new().await;
    let beside = hall.beside("there").await;
    let kite = beside.connect_as("alice-key", a_kite("a"));
    kite.register().await;

    // It is listed for as long as it is there, though nobody says that it was seen.
    hall.pass(61).await;
    for _ in 0..20 {
        assert_eq!(hall.ids(), ["a"]);
        hall.pass(30).await;
    }
    kite.peer.close();
    beside.until_ids(&[]).await;
    hall.pass(62).await;

    assert!(hall.ids().is_empty());
}
