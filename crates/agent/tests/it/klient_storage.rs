use std::os::unix::fs::PermissionsExt;

use kite::Peer;
use serde_json::{Value, json};

use crate::bench::{Bench, bench};
use crate::klient::{call, client, try_call};

async fn storage() -> (Bench, Peer) {
    let bench = bench().await;
    let peer = client(&bench).await;
    (bench, peer)
}

fn document(bench: &Bench) -> std::path::PathBuf {
    bench.root.path().join("home/.hearth/klient/storage.json")
}

async fn set(peer: &Peer, key: &str, value: &str) -> Value {
    call(peer, "storage.set", json!({ "key": key, "value": value })).await
}

#[tokio::test]
async fn what_is_kept_is_found_again_by_everybody_and_after_a_restart() {
    let (bench, peer) = storage().await;

    assert_eq!(set(&peer, "a \"key\"\n😀", "text\0\u{1f600}").await, true);
    set(&peer, "other", "").await;
    set(&peer, "other", "changed").await;

    let again = agent::Agent::new(&crate::bench::config(bench.root.path()), crate::bench::outside());
    let root = bench.root;
    let bench = Bench { client: crate::bench::connect(&again).await, agent: again, root };
    let second = client(&bench).await;
    assert_eq!(call(&second, "storage.get", json!({ "key": "a \"key\"\n😀" })).await, "text\0\u{1f600}");
    assert_eq!(call(&second, "storage.get", json!({ "key": "other" })).await, "changed");
    let permissions = std::fs::metadata(document(&bench)).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(document(&bench).parent().unwrap()).unwrap().count(),
        1,
        "no drafts are left"
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_is_said_as_klient_says_it() {
    let (bench, peer) = storage().await;
    set(&peer, "key", "value").await;

    assert_eq!(call(&peer, "storage.delete", json!({ "key": "key" })).await, true);

    let error = try_call(&peer, "storage.get", json!({ "key": "key" })).await.unwrap_err();
    assert_eq!((&*error.kind, &*error.message), ("genericError", "key not found"));
    assert_eq!(call(&peer, "storage.delete", json!({ "key": "key" })).await, true);
    assert_eq!(std::fs::read_to_string(document(&bench)).unwrap().trim(), "{}");
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_kept() {
    let (bench, peer) = storage().await;
    let second = client(&bench).await;

    let changes = (0..40).map(|number| {
        let (peer, key) = (if number % 2 == 0 { &peer } else { &second }, format!("key-{number}"));
        async move { set(peer, &key, "value").await }
    });
    futures_util::future::join_all(changes).await;

    let kept: Value = serde_json::from_slice(&std::fs::read(document(&bench)).unwrap()).unwrap();
    assert_eq!(kept.as_object().unwrap().len(), 40);
}

#[tokio::test]
async fn there_is_room_for_so_much() {
    let (bench, peer) = storage().await;
    let refused = async |key: String, value: String| {
        try_call(&peer, "storage.set", json!({ "key": key, "value": value })).await.unwrap_err()
    };

    assert_eq!(refused(String::new(), String::new()).await.kind, "argumentError");
    assert_eq!(refused("k".repeat(1025), String::new()).await.kind, "argumentError");
    assert_eq!(refused("key".into(), "v".repeat((1 << 20) + 1)).await.kind, "argumentError");
    set(&peer, "first", &"v".repeat(1 << 20)).await;

    let many: serde_json::Map<_, _> = (0..10_000).map(|number| (number.to_string(), json!(""))).collect();
    std::fs::write(document(&bench), Value::Object(many).to_string()).unwrap();
    assert_eq!(refused("one more".into(), String::new()).await.kind, "fsError");
    set(&peer, "5", "those that are there can be changed").await;

    let large: serde_json::Map<_, _> =
        (0..16).map(|number| (number.to_string(), json!("v".repeat((1 << 20) - 10)))).collect();
    std::fs::write(document(&bench), Value::Object(large).to_string()).unwrap();
    assert_eq!(refused("one more".into(), "v".repeat(1000)).await.kind, "fsError");
}

#[tokio::test]
async fn a_document_that_somebody_broke_is_named_and_not_replaced() {
    let (bench, peer) = storage().await;
    set(&peer, "key", "value").await;

    for broken in ["{\"key\": 5}", "no JSON", "[]", "{\"a\":"] {
        std::fs::write(document(&bench), broken).unwrap();
        let error = try_call(&peer, "storage.set", json!({ "key": "a", "value": "b" })).await.unwrap_err();
        assert!(error.message.contains("storage.json"), "{error}");
        assert_eq!(std::fs::read_to_string(document(&bench)).unwrap(), broken);
    }
    std::fs::write(document(&bench), "").unwrap();
    set(&peer, "key", "value").await;
}
