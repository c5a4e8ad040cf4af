use domain::KiteVia;
use serde_json::{Value, json};

use crate::hall::{Hall, a_kite, origin, soon};

#[tokio::test(start_paused = true)]
async fn a_registered_kite_is_found_under_its_owners_name() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("6ca5"));

    let answer = math.register().await;

    assert_eq!(answer, json!({"url": "http://127.0.0.1:1/kite", "heartbeatInterval": 0}));
    let entry = hall.registry.get("6ca5").unwrap();
    assert_eq!(entry.kite.path(), "/alice/dev/math/1.2.3/eu/vm/6ca5");
    assert_eq!((entry.owner, entry.via, entry.connected), (hall.alice, KiteVia::Socket, true));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_asked_for_before_the_answer_and_keep_a_kite_registered() {
    let hall = Hall::new().await;
    let mut hand = hall.hand(origin(None));
    let key = hall.kite_key("alice-key");
    hand.send(&json!({
        "method": "register",
        "arguments": [{
            "kite": a_kite("6ca5"),
            "authentication": {"type": "kiteKey", "key": key.expose()},
            "responseCallback": "[Function]",
            "withArgs": [{"url": "http://127.0.0.1:17801/kite"}],
        }],
        "callbacks": {"0": [0, "responseCallback"]},
    }))
    .await;

    let asked = hand.next().await.unwrap();
    let answered = hand.next().await.unwrap();

    assert_eq!(asked["method"], "kite.heartbeat");
    assert_eq!(asked["arguments"][0]["withArgs"][0], 10);
    assert_eq!(answered["method"], 0);
    assert_eq!(answered["arguments"][0]["result"]["heartbeatInterval"], 0);
    let callbacks = asked["callbacks"].as_object().unwrap();
    let beat: u64 = callbacks
        .iter()
        .find(|(_, path)| path.to_string().contains("withArgs"))
        .map(|(id, _)| id.parse().unwrap())
        .unwrap();
    for _ in 0..6 {
        hall.pass(10).await;
        hand.send(&json!({"method": beat, "arguments": [], "callbacks": {}})).await;
    }
    assert_eq!(hall.ids(), ["6ca5"], "sixty seconds with heartbeats");
    hall.pass(29).await;
    assert_eq!(hall.ids(), ["6ca5"]);
    hall.pass(3).await;
    assert!(hall.ids().is_empty(), "thirty seconds without");
    assert_eq!(hand.next().await, None, "its connection is closed, so that it dials again");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_heartbeats_stays_for_as_long_as_its_connection() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("6ca5"));
    math.register().await;

    hall.pass(300).await;
    assert_eq!(hall.ids(), ["6ca5"]);
    math.peer.close();

    hall.until_ids(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn kite_js_sends_a_bare_address_and_is_understood() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("6ca5"));

    let answer = math.call("register", json!("ws://127.0.0.1:2/")).await.unwrap();

    assert_eq!(answer["url"], "ws://127.0.0.1:2/");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_registered_is_refused_with_the_reason() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("6ca5"));
    let url = json!({"url": "http://127.0.0.1:1/kite"});

    assert_eq!(math.refused("register", json!({"url": ""})).await, "empty url");
    assert_eq!(math.refused("register", json!({})).await, "empty url");
    assert!(math.refused("register", json!({"url": "http://me:word@host/"})).await.contains("credentials"));
    assert!(math.refused("register", json!({"url": "ftp://host/"})).await.contains("use http"));
    assert!(math.refused("register", json!(5)).await.starts_with("register takes one argument"));
    let nameless = hall.connect_as("alice-key", kite::Kite { name: String::new(), ..a_kite("6ca5") });
    assert!(nameless.refused("register", url.clone()).await.contains("`name` is empty"));
    let slashed = hall.connect_as("alice-key", kite::Kite { region: "a/b".into(), ..a_kite("6ca5") });
    assert!(slashed.refused("register", url.clone()).await.contains("`region`"));
    let posing = hall.connect_as("alice-key", kite::Kite { environment: "hearth".into(), ..a_kite("6ca5") });
    assert!(posing.refused("register", url).await.contains("only workspaces"));
    assert!(hall.ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_newer_of_two_connections_with_one_id_has_it() {
    let hall = Hall::new().await;
    let old = hall.connect_as("alice-key", a_kite("6ca5"));
    old.register().await;
    let new = hall.connect_as("alice-key", a_kite("6ca5"));
    new.call("register", json!({"url": "http://127.0.0.1:2/kite"})).await.unwrap();

    old.peer.close();
    soon(old.peer.closed()).await;
    hall.pass(60).await;

    assert_eq!(hall.registry.get("6ca5").unwrap().url, "http://127.0.0.1:2/kite");
    new.peer.close();
    hall.until_ids(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_id_is_refused_until_it_is_gone() {
    let hall = Hall::new().await;
    let hers = hall.connect_as("alice-key", a_kite("6ca5"));
    hers.register().await;
    let his = hall.connect_as("bob-key", a_kite("6ca5"));

    let refused = his.refused("register", json!({"url": "http://127.0.0.1:3/"})).await;

    assert!(refused.contains("`id` cannot be used"), "{refused}");
    assert_eq!(hall.registry.get("6ca5").unwrap().owner, hall.alice);
    hers.peer.close();
    hall.until_ids(&[]).await;
    his.register().await;
    assert_eq!(hall.registry.get("6ca5").unwrap().owner, hall.bob);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_one_kite() {
    let hall = Hall::new().await;
    let mut hand = hall.hand(origin(None));
    let key = hall.kite_key("alice-key");
    let register = |id: &str, callback: u64| {
        json!({
            "method": "register",
            "arguments": [{
                "kite": a_kite(id),
                "authentication": {"type": "kiteKey", "key": key.expose()},
                "responseCallback": "[Function]",
                "withArgs": [{"url": "http://127.0.0.1:1/"}],
            }],
            "callbacks": {callback.to_string(): [0, "responseCallback"]},
        })
    };

    hand.send(&register("first", 0)).await;
    hall.until_ids(&["first"]).await;
    hand.send(&register("second", 1)).await;

    hall.until_ids(&["second"]).await;
    drop(hand);
    hall.until_ids(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_kite_tells_its_counts_and_nobody_elses() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("6ca5"));
    math.register().await;
    let mut changes = hall.registry.changes();

    let told = math.call("report", json!({"calls": 7, "errors": 2})).await;
    let other = hall.connect_as("bob-key", a_kite("6ca5"));
    let refused = other.call("report", json!({"calls": 99, "errors": 0})).await.unwrap_err();

    assert_eq!(told.unwrap(), Value::Bool(true));
    assert_eq!(refused.kind, registry::kind::NOT_FOUND);
    let entry = hall.registry.get("6ca5").unwrap();
    assert_eq!((entry.calls, entry.errors), (Some(7), Some(2)));
    let change = changes.try_recv().unwrap();
    assert!(matches!(change, registry::Change::Updated(entry) if entry.calls == Some(7)));
    assert!(math.call("report", json!({"calls": -1, "errors": 0})).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn after_a_rotation_a_kite_gets_a_new_key_and_the_old_one_is_good_meanwhile() {
    let hall = Hall::new().await;
    let old_key = hall.kite_key("alice-key");
    let current = hall.rotate(true);
    let authentication = kite::Authentication::kite_key(old_key.expose());
    let math = hall.client(a_kite("6ca5"), Some(authentication), origin(None));

    let answer = math.register().await;

    assert_eq!(answer["publicKey"], current.public().to_pem());
    let renewed = answer["kiteKey"].as_str().unwrap();
    let again = hall.client(a_kite("6ca5"), Some(kite::Authentication::kite_key(renewed)), origin(None));
    let second = again.register().await;
    assert_eq!(second.get("kiteKey"), None);
    assert_eq!(second.get("publicKey"), None);
    let key = soon(again.peer.call::<Value>("getKey", ())).await.unwrap();
    assert_eq!(key, current.public().to_pem());
}

#[tokio::test(start_paused = true)]
async fn a_key_past_half_its_life_is_renewed() {
    let hall = Hall::new().await;
    let key = hall.kite_key("alice-key");
    let authentication = || Some(kite::Authentication::kite_key(key.expose()));
    hall.clock.advance(domain::SignedDuration::from_hours(14 * 24));
    let early = hall.client(a_kite("a"), authentication(), origin(None)).register().await;

    hall.clock.advance(domain::SignedDuration::from_hours(2 * 24));
    let late = hall.client(a_kite("b"), authentication(), origin(None)).register().await;

    assert_eq!(early.get("kiteKey"), None);
    assert!(late["kiteKey"].is_string());
    assert_eq!(late.get("publicKey"), None, "it knows the right one");
}

#[tokio::test(start_paused = true)]
async fn an_api_token_registers_only_with_every_right() {
    let hall = Hall::new().await;
    let all = hall.world.token(hall.alice, &[domain::Scope::All]);
    let some = hall.world.token(hall.alice, &[domain::Scope::WorkspacesRead, domain::Scope::WorkspacesEnter]);
    let url = json!({"url": "http://127.0.0.1:1/"});

    let refused = hall.connect_with_token(&some).call("register", url.clone()).await.unwrap_err();
    let taken = hall.connect_with_token(&all);
    taken.call("register", url).await.unwrap();

    assert_eq!(refused.kind, registry::kind::NOT_ALLOWED);
    assert_eq!(hall.ids(), ["cli"]);
}
