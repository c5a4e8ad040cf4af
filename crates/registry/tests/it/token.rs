use domain::SignedDuration;
use kite::Kite;
use serde_json::{Value, json};

use crate::hall::{Hall, a_kite, now};

#[tokio::test(start_paused = true)]
async fn a_token_is_for_exactly_one_kite_and_one_caller() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let mail = hall.connect_as("alice-key", a_kite("b"));
    mail.register().await;

    let token = math.call("getToken", json!({"id": "a"})).await.unwrap();
    let token = token.as_str().unwrap();

    let claims = hall.registry.check_token(token, "a").unwrap();
    assert_eq!(claims.subject, "alice");
    assert_eq!(claims.audience, "/alice/dev/math/1.2.3/eu/vm/a");
    assert_eq!(claims.issuer, "hearth");
    let at = now(&hall.clock);
    assert_eq!(claims.expires_at, at + SignedDuration::from_hours(1));
    assert_eq!(claims.issued_at, at - SignedDuration::from_mins(1));
    assert_eq!(claims.not_before, claims.issued_at);
    assert!(hall.registry.check_token(token, "b").is_err());
    assert!(hall.registry.check_token(token, "nothing").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_until_half_its_life_is_over_or_a_new_one_is_asked_for() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let query = json!({"username": "alice", "environment": "dev", "name": "math"});
    let first = math.call("getToken", query.clone()).await.unwrap();

    let same = math.find(query.clone()).await[0]["token"].clone();
    hall.clock.advance(SignedDuration::from_mins(29));
    let kept = math.call("getToken", query.clone()).await.unwrap();
    let forced = math.call("getToken", json!({"id": "a", "force": true})).await.unwrap();
    let after = math.call("getToken", query.clone()).await.unwrap();
    hall.clock.advance(SignedDuration::from_mins(31));
    let renewed = math.call("getToken", query).await.unwrap();

    assert_eq!(first, same);
    assert_eq!(first, kept);
    assert_ne!(first, forced);
    assert_eq!(forced, after, "what was forced is kept then");
    assert_ne!(forced, renewed);
    assert_eq!(hall.registry.get("a").unwrap().tokens, 3);
}

#[tokio::test(start_paused = true)]
async fn a_query_must_match_one_kite_that_the_caller_may_call() {
    let hall = Hall::new().await;
    let one = hall.connect_as("alice-key", a_kite("a"));
    one.register().await;
    let two = hall.connect_as("alice-key", a_kite("b"));
    two.register().await;

    let ambiguous = one.refused("getToken", json!({"name": "math"})).await;
    let nothing = one.refused("getToken", json!({"username": "zed"})).await;
    let hidden = hall.connect("bob-key").refused("getToken", json!({"id": "a"})).await;

    assert!(ambiguous.starts_with("query matches more than one kite"), "{ambiguous}");
    assert_eq!(nothing, "no kites found");
    assert_eq!(hidden, nothing, "hidden is as absent");
}

#[tokio::test(start_paused = true)]
async fn kite_js_renews_with_the_whole_description() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let described = Kite { username: "alice".into(), ..a_kite("a") };

    let token = math.call("getToken", serde_json::to_value(described).unwrap()).await.unwrap();

    assert!(hall.registry.check_token(token.as_str().unwrap(), "a").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_comes_back_as_another_version_gets_another_token() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let old = math.call("getToken", json!({"id": "a"})).await.unwrap();
    let newer = hall.connect_as("alice-key", Kite { version: "1.3.0".into(), ..a_kite("a") });
    newer.register().await;

    let new = newer.call("getToken", json!({"id": "a"})).await.unwrap();

    assert_ne!(old, new);
    assert!(hall.registry.check_token(old.as_str().unwrap(), "a").is_err());
    assert!(hall.registry.check_token(new.as_str().unwrap(), "a").is_ok());
}

#[tokio::test(start_paused = true)]
async fn tokens_are_signed_by_the_current_key_and_those_of_a_retired_one_are_still_good() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let old = math.call("getToken", json!({"id": "a"})).await.unwrap();

    let current = hall.rotate(true);
    let found = math.find(json!({"id": "a"})).await;
    let good = hall.registry.check_token(old.as_str().unwrap(), "a").is_ok();
    hall.rotate(false);
    let gone = hall.registry.check_token(old.as_str().unwrap(), "a").unwrap_err();

    assert_ne!(found[0]["token"], old);
    assert_eq!(found[0]["keyId"], current.id());
    assert!(good);
    assert_eq!(gone.public(), "token is expired", "so that its holder fetches another");
    let refused = math.refused("getToken", json!({"id": "a"})).await;
    assert_eq!(refused, "kiteKey: token is expired", "the kite key was signed by the pair that is gone");
}

#[tokio::test(start_paused = true)]
async fn many_tokens_at_once_are_all_right() {
    let hall = Hall::new().await;
    let mut kites = Vec::new();
    for number in 0..12 {
        let kite = hall.connect_as("alice-key", a_kite(&format!("k{number:02}")));
        kite.register().await;
        kites.push(kite);
    }

    let found = kites[0].find(json!({"name": "math"})).await;

    assert_eq!(found.len(), 12);
    for kite in &found {
        let id = kite["kite"]["id"].as_str().unwrap();
        let claims = hall.registry.check_token(kite["token"].as_str().unwrap(), id);
        assert!(claims.is_ok(), "{id}: {claims:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_with_slashes_are_written_alike_everywhere() {
    let hall = Hall::new().await;
    let odd = hall.world.person("o/d%d");
    hall.world.key("odd-key", odd, None);
    let kite = hall.connect_as("odd-key", a_kite("a"));
    kite.register().await;

    let found = kite.find(json!({"username": "o%2Fd%25d"})).await;

    let claims = hall.registry.check_token(found[0]["token"].as_str().unwrap(), "a").unwrap();
    assert_eq!(claims.subject, "o%2Fd%25d");
    assert_eq!(claims.audience.split('/').nth(1), Some("o%2Fd%25d"));
    assert_eq!(Value::from(claims.subject), found[0]["kite"]["username"]);
}
