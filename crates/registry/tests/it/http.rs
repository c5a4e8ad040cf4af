use std::net::IpAddr;

use serde_json::{Value, json};

use crate::hall::{Hall, a_kite};

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

fn body(hall: &Hall, id: &str, key: &str) -> Vec<u8> {
    json!({
        "url": "http://127.0.0.1:1/kite",
        "kite": kite::Kite { username: "spoof".into(), ..a_kite(id) },
        "auth": {"type": "kiteKey", "key": hall.kite_key(key).expose()},
    })
    .to_string()
    .into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_kite_registers_over_http_under_the_name_of_its_key() {
    let hall = Hall::new().await;

    let answer = hall.registry.register_http(&body(&hall, "a", "bob-key"), address("192.0.2.1")).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, r#"{"url":"http://127.0.0.1:1/kite","heartbeatInterval":10}"#);
    let entry = hall.registry.get("a").unwrap();
    assert_eq!(
        (entry.kite.username.as_str(), entry.owner, entry.via),
        ("bob", hall.bob, domain::KiteVia::Http)
    );
}

#[tokio::test(start_paused = true)]
async fn it_stays_for_as_long_as_it_beats() {
    let hall = Hall::new().await;
    let here = address("192.0.2.1");
    hall.registry.register_http(&body(&hall, "a", "bob-key"), here).await;

    for _ in 0..6 {
        hall.pass(10).await;
        assert_eq!(hall.registry.beat_http(Some("a"), None, here).await.body, "pong");
    }
    hall.pass(29).await;
    assert_eq!(hall.ids(), ["a"]);
    hall.pass(2).await;

    assert!(hall.ids().is_empty());
    assert_eq!(hall.registry.beat_http(Some("a"), None, here).await.body, "registeragain");
}

#[tokio::test(start_paused = true)]
async fn a_beat_is_taken_from_where_it_registered_or_with_its_owners_key() {
    let hall = Hall::new().await;
    hall.registry.register_http(&body(&hall, "a", "bob-key"), address("192.0.2.1")).await;
    let elsewhere = address("192.0.2.2");
    let bearer = |key: &str| Some(hall.kite_key(key).expose().to_owned().into());

    let anybody = hall.registry.beat_http(Some("a"), None, elsewhere).await;
    let owner = hall.registry.beat_http(Some("a"), bearer("bob-key"), elsewhere).await;
    let other = hall.registry.beat_http(Some("a"), bearer("alice-key"), address("192.0.2.1")).await;
    let broken = hall.registry.beat_http(Some("a"), Some("a.b.c".to_owned().into()), elsewhere).await;
    let nothing = hall.registry.beat_http(Some("nothing"), None, elsewhere).await;
    let missing = hall.registry.beat_http(None, None, elsewhere).await;

    assert_eq!((anybody.status, anybody.body.as_str()), (200, "registeragain"));
    assert_eq!(owner.body, "pong");
    assert_eq!(other.body, "registeragain");
    assert_eq!(broken.body, "registeragain");
    assert!(anybody == nothing, "what is hidden is as absent");
    assert_eq!((missing.status, missing.body.as_str()), (400, "query id is empty"));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_everybody_has_behind_a_proxy_proves_nothing() {
    let hall = Hall::new().await;
    let key = || Some(hall.kite_key("bob-key").expose().to_owned().into());

    for proxy in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        hall.registry.register_http(&body(&hall, "a", "bob-key"), address(proxy)).await;
        let anybody = hall.registry.beat_http(Some("a"), None, address(proxy)).await;
        let owner = hall.registry.beat_http(Some("a"), key(), address(proxy)).await;

        assert_eq!((anybody.body.as_str(), owner.body.as_str()), ("registeragain", "pong"), "{proxy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_beat_over_http_keeps_no_connection_alive() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("bob-key", a_kite("a"));
    kite.register().await;

    let answer = hall
        .registry
        .beat_http(Some("a"), Some(hall.kite_key("bob-key").expose().to_owned().into()), None)
        .await;

    assert_eq!(answer.body, "registeragain");
}

#[tokio::test(start_paused = true)]
async fn refusals_have_the_originals_statuses_and_words() {
    let hall = Hall::new().await;
    let key = hall.kite_key("bob-key");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body: Value = serde_json::from_slice(&body(&hall, "a", "bob-key")).unwrap();
        change(&mut body);
        body.to_string().into_bytes()
    };

    for (body, status, reason) in [
        (with(&|body| body["url"] = json!("")), 400, "empty URL"),
        (with(&|body| body["auth"]["type"] = json!("token")), 400, "unexpected authentication type: token"),
        (with(&|body| body["auth"]["key"] = json!("x")), 401, "kiteKey: token is not valid"),
        (with(&|body| body["auth"]["key"] = json!(format!("{}x", key.expose()))), 401, ""),
        (with(&|body| body["kite"]["name"] = json!("")), 400, ""),
        (with(&|body| body["url"] = json!("mailto:x@y")), 400, ""),
        (b"not json".to_vec(), 400, ""),
        (b"[]".to_vec(), 400, ""),
        (vec![b' '; 65 * 1024], 413, ""),
    ] {
        let answer = hall.registry.register_http(&body, None).await;
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer.status, status, "{said}");
        assert!(said["err"].as_str().unwrap().starts_with(reason), "{said}");
    }
    assert!(hall.ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_address_registers_so_often_and_no_oftener() {
    let hall = Hall::new().await;
    let body = body(&hall, "a", "bob-key");
    let mut statuses = Vec::new();

    for _ in 0..301 {
        statuses.push(hall.registry.register_http(&body, address("192.0.2.1")).await.status);
    }

    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 300);
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(hall.registry.register_http(&body, address("192.0.2.2")).await.status, 200);
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_reader_fall_over(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        // Reading a body asks nobody and needs no timer, so that this needs no hall.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let hall = Hall::new().await;
            let answer = hall.registry.register_http(&bytes, None).await;
            assert_eq!(answer.status, 400);
        });
    }
}
