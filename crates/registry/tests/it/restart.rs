use registry::Change;
use serde_json::json;

use crate::hall::{Hall, a_kite, soon};

#[tokio::test(start_paused = true)]
async fn registrations_are_stored_and_removed_behind_the_answers() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    soon(async {
        while hall.shelf.ids() != ["a"] {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;

    kite.peer.close();

    soon(async {
        while !hall.shelf.ids().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_storage_and_nothing_is_lost_when_it_comes_back() {
    let hall = Hall::new().await;
    hall.shelf.rows().is_down = true;
    let stays = hall.connect_as("alice-key", a_kite("stays"));
    stays.register().await;
    let goes = hall.connect_as("alice-key", a_kite("goes"));
    goes.register().await;
    goes.peer.close();
    hall.until_ids(&["stays"]).await;
    hall.pass(5).await;

    hall.shelf.rows().is_down = false;

    hall.pass(40).await;
    assert_eq!(hall.shelf.ids(), ["stays"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_server_keeps_its_kites_for_the_next_start() {
    let mut hall = Hall::new().await;
    let back = hall.connect_as("alice-key", a_kite("back"));
    back.register().await;
    let away = hall.connect_as("alice-key", a_kite("away"));
    away.register().await;
    hall.pass(1).await;

    hall.stop().await;
    for client in [&back, &away] {
        client.peer.close();
        soon(client.peer.closed()).await;
    }
    let next = hall.beside("here").await;

    assert_eq!(next.ids(), ["away", "back"]);
    assert!(!next.registry.get("back").unwrap().connected);
    next.pass(10).await;
    let again = next.connect_as("alice-key", a_kite("back"));
    again.register().await;
    assert!(next.registry.get("back").unwrap().connected);
    next.pass(20).await;
    assert_eq!(next.ids(), ["back"]);
    assert_eq!(next.shelf.ids(), ["back"]);
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_beats_over_http_is_back_after_a_restart_with_its_key() {
    let mut hall = Hall::new().await;
    let key = hall.kite_key("bob-key").expose().to_owned();
    let body = json!({
        "url": "http://127.0.0.1:1/", "kite": a_kite("a"), "auth": {"type": "kiteKey", "key": key},
    });
    let here = Some("192.0.2.1".parse().unwrap());
    hall.registry.register_http(body.to_string().as_bytes(), here).await;
    hall.pass(1).await;
    hall.stop().await;
    let next = hall.beside("here").await;

    let by_address = next.registry.beat_http(Some("a"), None, here).await;
    let by_key = next.registry.beat_http(Some("a"), Some(key.into()), here).await;
    next.pass(26).await;

    assert_eq!(by_address.body, "registeragain", "where it came from is not stored");
    assert_eq!(by_key.body, "pong");
    assert!(next.registry.get("a").unwrap().connected);
}

#[tokio::test(start_paused = true)]
async fn two_servers_on_one_storage_find_each_others_kites() {
    let hall = Hall::new().await;
    let beside = hall.beside("there").await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    hall.pass(1).await;
    let mut changes = beside.registry.changes();

    beside.registry.changed_elsewhere();
    beside.until_ids(&["a"]).await;
    let found = beside.connect("alice-key").find(json!({"name": "math"})).await;
    kite.peer.close();
    hall.until_ids(&[]).await;
    hall.pass(1).await;
    beside.registry.changed_elsewhere();
    beside.until_ids(&[]).await;

    assert!(hall.registry.check_token(found[0]["token"].as_str().unwrap(), "a").is_err(), "it is gone");
    assert!(matches!(changes.try_recv().unwrap(), Change::Registered(entry) if entry.server == "here"));
    let ends = std::iter::from_fn(|| changes.try_recv().ok());
    assert!(ends.into_iter().any(|change| matches!(change, Change::Deregistered(_))));
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_moves_to_another_server_is_not_removed_by_the_first() {
    let hall = Hall::new().await;
    let beside = hall.beside("there").await;
    let old = hall.connect_as("alice-key", a_kite("a"));
    old.register().await;
    hall.pass(1).await;
    let new = beside.connect_as("alice-key", a_kite("a"));
    new.call("register", json!({"url": "http://127.0.0.1:2/"})).await.unwrap();
    beside.pass(1).await;

    hall.registry.changed_elsewhere();
    hall.pass(3).await;
    old.peer.close();
    soon(old.peer.closed()).await;
    hall.pass(5).await;
    beside.registry.changed_elsewhere();
    beside.pass(3).await;

    assert_eq!(hall.registry.get("a").unwrap().server, "there");
    assert_eq!(beside.registry.get("a").unwrap().url, "http://127.0.0.1:2/");
    assert_eq!(hall.shelf.rows().stored["a"].server, "there");
}

#[tokio::test(start_paused = true)]
async fn of_two_owners_on_two_servers_the_first_has_the_id() {
    let hall = Hall::new().await;
    let beside = hall.beside("there").await;
    let hers = hall.connect_as("alice-key", a_kite("a"));
    hers.register().await;
    hall.pass(1).await;

    // The second server has not heard of the first one's.
    let his = beside.connect_as("bob-key", a_kite("a"));
    his.register().await;

    beside.until_ids(&[]).await;
    assert_eq!(hall.shelf.rows().stored["a"].owner, hall.alice);
}

#[tokio::test(start_paused = true)]
async fn that_kites_are_seen_is_written_in_batches_once_a_minute() {
    let hall = Hall::new().await;
    let service = hall.connect_as("alice-key", a_kite("a"));
    service.register().await;
    let id = hall.world.workspace(9, hall.alice, domain::TeamId::NIL);
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();

    hall.pass(185).await;

    let touches = hall.shelf.rows().touches;
    assert!((5..=6).contains(&touches), "{touches} for two kites in three minutes");
    let seen = hall.shelf.rows().stored["a"].seen_at;
    assert!(crate::hall::now(&hall.clock).duration_since(seen).as_secs() < 70);
}
