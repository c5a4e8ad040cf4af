//! What the original let happen, and what else somebody might try.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::SignedDuration;
use kite::{Authentication, Kite};
use registry::{IssuedKey, Keys};
use serde_json::{Value, json};

use crate::hall::{Hall, a_kite, now, origin, signing_key, soon};

#[tokio::test(start_paused = true)]
async fn nobody_lists_or_calls_what_was_not_shared_with_them() {
    let hall = Hall::new().await;
    let hers = hall.connect_as("alice-key", a_kite("a"));
    hers.register().await;
    let bob = hall.connect("bob-key");

    for query in [
        json!({"username": "alice"}),
        json!({"username": "alice", "environment": "dev", "name": "math"}),
        json!({"id": "a"}),
        json!({"name": "math", "version": "*"}),
    ] {
        assert!(bob.find(query.clone()).await.is_empty(), "{query}");
        assert_eq!(bob.refused("getToken", query.clone()).await, "no kites found", "{query}");
    }
    // As somebody else by name only.
    let posing = hall.connect_as("bob-key", Kite { username: "alice".into(), ..a_kite("cli") });
    assert!(posing.find(json!({"username": "alice"})).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_query_gives_a_token_that_is_good_at_more_than_one_kite() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let other = hall.connect_as("alice-key", Kite { name: "mail".into(), ..a_kite("b") });
    other.register().await;

    for query in [
        json!({"id": "a"}),
        json!({"username": "alice", "name": "math"}),
        json!({"name": "math", "version": ">= 1"}),
        json!({"username": "", "environment": "", "id": "a"}),
    ] {
        let token = kite.call("getToken", query.clone()).await.unwrap();
        let claims = hall.registry.check_token(token.as_str().unwrap(), "a").unwrap();
        assert_eq!(claims.audience, "/alice/dev/math/1.2.3/eu/vm/a", "{query}");
        assert!(hall.registry.check_token(token.as_str().unwrap(), "b").is_err(), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kites_token_is_not_good_at_the_registry_and_a_kite_key_is_no_token() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let token = kite.call("getToken", json!({"id": "a"})).await.unwrap();
    let token = token.as_str().unwrap();

    // Whoever was called with the token tries to go on as its caller.
    for authentication in [Authentication::token(token), Authentication::kite_key(token)] {
        let replayed = hall.client(a_kite("evil"), Some(authentication), origin(None));
        let refused = replayed.call("getKites", json!({"query": {"username": "alice"}})).await.unwrap_err();
        assert_eq!(refused.kind, "authenticationError");
    }
    let bearer = registry::Origin { address: None, bearer: Some(token.to_owned().into()) };
    let refused = hall.client(a_kite("evil"), None, bearer).call("shared", json!({})).await.unwrap_err();
    assert_eq!(refused.kind, "authenticationError");
    assert!(hall.registry.check_token(hall.kite_key("alice-key").expose(), "a").is_err());
}

#[tokio::test(start_paused = true)]
async fn kite_keys_that_are_not_ours_are_refused() {
    let hall = Hall::new().await;
    let good = hall.kite_key("alice-key");
    let mut parts = good.expose().split('.');
    let (header, claims, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let kid = signing_key().id().to_owned();
    let head = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
    let strange = kite::token::SigningKey::generate().unwrap();
    let strange_registry = hall.beside("strange").await;
    strange_registry.registry.set_keys(Keys { current: std::sync::Arc::new(strange), retired: vec![] });
    let expired = IssuedKey {
        id: "alice-key".into(),
        username: "alice".into(),
        issued_at: now(&hall.clock) - SignedDuration::from_hours(48),
        expires_at: now(&hall.clock) - SignedDuration::from_hours(24),
    };
    let revoked = IssuedKey {
        id: "no-such-key".into(),
        username: "alice".into(),
        issued_at: now(&hall.clock),
        expires_at: now(&hall.clock) + SignedDuration::from_hours(24),
    };

    for (what, text) in [
        ("nothing", String::new()),
        ("no token", "a.b.c".into()),
        ("unsigned", format!("{}.{claims}.", head(json!({"alg": "none", "typ": "JWT", "kid": kid})))),
        ("HMAC", format!("{}.{claims}.{signature}", head(json!({"alg": "HS256", "typ": "JWT", "kid": kid})))),
        ("another signature", format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 256]))),
        ("an unknown key", format!("{}.{claims}.{signature}", head(json!({"alg": "RS256", "kid": "0123"})))),
        ("no key", format!("{}.{claims}.{signature}", head(json!({"alg": "RS256"})))),
        ("a fourth part", format!("{}.x", good.expose())),
        ("another registry", strange_registry.kite_key("alice-key").expose().to_owned()),
        ("expired", hall.registry.sign_kite_key(&expired).unwrap().expose().to_owned()),
        ("revoked", hall.registry.sign_kite_key(&revoked).unwrap().expose().to_owned()),
        ("too long", "x".repeat(10_000)),
    ] {
        let client = hall.client(a_kite("a"), Some(Authentication::kite_key(text)), origin(None));
        let refused = client.call("register", json!({"url": "http://127.0.0.1:1/"})).await.unwrap_err();
        assert_eq!(refused.kind, "authenticationError", "{what}");
        assert!(!refused.message.contains("alice"), "{what}: {}", refused.message);
    }
    assert!(hall.ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn credentials_of_other_kinds_are_refused() {
    let hall = Hall::new().await;

    for (kind, sentence) in [
        ("bogus", "Unknown authentication type: bogus"),
        ("sessionID", "Unknown authentication type: sessionID"),
        ("kloudSecret", "Unknown authentication type: kloudSecret"),
        ("token", "a token for a kite is not good at the registry"),
    ] {
        let client = hall.client(a_kite("a"), Some(Authentication::new(kind, "a.b.c")), origin(None));
        let refused = client.refused("getKites", json!({"query": {"id": "a"}})).await;
        assert!(refused.starts_with(sentence), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_address_cannot_try_credentials_for_long() {
    let hall = Hall::new().await;
    let attacker = || origin(Some("192.0.2.1"));
    let mut kinds = Vec::new();
    for number in 0..110 {
        let token = Authentication::token(format!("hearth_guess{number}"));
        let client = hall.client(a_kite("a"), Some(token), attacker());
        kinds.push(client.call("shared", json!({})).await.unwrap_err().kind);
    }
    let asked = hall.world.facts().asked;

    let from_elsewhere = hall.connect("alice-key").find(json!({"name": "math"})).await;

    assert_eq!(kinds.iter().filter(|kind| *kind == "authenticationError").count(), 100);
    assert_eq!(kinds.last().map(String::as_str), Some("requestLimitError"));
    assert_eq!(asked, 100, "what is refused for its rate asks nobody");
    assert!(from_elsewhere.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nobody_authenticates_is_closed() {
    let hall = Hall::new().await;
    let nobody = hall.client(a_kite("cli"), None, origin(None));
    let somebody = hall.connect("alice-key");
    soon(nobody.peer.call::<Value>("kite.ping", ())).await.unwrap();
    somebody.find(json!({"name": "math"})).await;

    hall.pass(29).await;
    assert!(!nobody.peer.is_closed());
    hall.pass(2).await;

    soon(nobody.peer.closed()).await;
    hall.pass(60).await;
    assert!(!somebody.peer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_service_cannot_take_a_workspaces_place() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, domain::TeamId::NIL);
    let squatter = hall.connect_as("bob-key", a_kite(&id.to_string()));

    let refused = squatter.refused("register", json!({"url": "http://evil.test/"})).await;
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();

    assert!(refused.contains("only workspaces"), "{refused}");
    assert_eq!(hall.registry.get(&id.to_string()).unwrap().owner, hall.alice);
}

#[tokio::test(start_paused = true)]
async fn one_caller_calls_so_often_and_others_do_not_suffer() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");
    let mut last = None;
    for _ in 0..61 {
        last = alice.call("shared", json!({})).await.err();
    }

    assert_eq!(last.map(|error| error.kind).as_deref(), Some("requestLimitError"));
    let other_connection = hall.connect("alice-key").call("shared", json!({})).await;
    assert_eq!(other_connection.unwrap_err().kind, "requestLimitError", "it is the caller that is counted");
    assert!(hall.connect("bob-key").call("shared", json!({})).await.is_ok());
}
