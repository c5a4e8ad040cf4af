use domain::{Scope, ShareSubject, TeamId, TeamRole};
use kite::Kite;
use serde_json::{Value, json};

use crate::hall::{Hall, a_kite, soon};

/// Three kites of alice's.
async fn three(hall: &Hall) -> Vec<crate::hall::Client> {
    let mut clients = Vec::new();
    for (id, name, version) in [("a", "math", "1.2.3"), ("b", "math", "2.0.0"), ("c", "mail", "dev")] {
        let kite = Kite { name: name.into(), version: version.into(), ..a_kite(id) };
        let client = hall.connect_as("alice-key", kite);
        client.register().await;
        clients.push(client);
    }
    clients
}

#[tokio::test(start_paused = true)]
async fn all_given_fields_must_agree_and_gaps_are_fine() {
    let hall = Hall::new().await;
    let _kites = three(&hall).await;
    let alice = hall.connect("alice-key");

    for (query, ids) in [
        (json!({"username": "alice"}), &["a", "b", "c"][..]),
        (json!({"username": "alice", "environment": "dev", "name": "math"}), &["a", "b"]),
        (json!({"username": "alice", "name": "mail"}), &["c"]),
        (json!({"region": "eu", "version": "2.0.0"}), &["b"]),
        (json!({"id": "c"}), &["c"]),
        (json!({"id": "c", "name": "math"}), &[]),
        (json!({"username": "zed"}), &[]),
        (json!({"name": "math", "version": ">= 1.0, < 2.0"}), &["a"]),
        (json!({"name": "math", "version": "> 2"}), &[]),
        (json!({"name": "math", "version": "*"}), &["a", "b"]),
    ] {
        assert_eq!(alice.find_ids(query.clone()).await, ids, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_constraint_is_applied_to_a_single_candidate_too() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;

    assert!(math.find(json!({"id": "a", "version": "> 2"})).await.is_empty());
    assert_eq!(math.find(json!({"id": "a", "version": "~> 1.2"})).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_query_that_is_none_is_refused_with_what_is_missing() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");

    assert!(
        alice.refused("getKites", json!({"query": {}})).await.starts_with("all query fields are empty: ")
    );
    assert!(alice.refused("getKites", json!({})).await.starts_with("query is missing: "));
    assert!(alice.refused("getKites", json!({"query": {"version": ">= x"}})).await.contains("`>= x`"));
    assert!(alice.refused("getKites", json!({"query": {"name": 5}})).await.contains("`name`"));
    assert!(
        alice.refused("getToken", json!({"force": true})).await.starts_with("all query fields are empty: ")
    );
    assert_eq!(
        alice.call("getKites", json!({"query": {"username": "zed"}})).await.unwrap(),
        json!({"kites": []})
    );
}

#[tokio::test(start_paused = true)]
async fn a_found_kite_has_all_that_is_needed_to_call_it() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;

    let found = math.find(json!({"id": "a"})).await;

    assert_eq!(found[0]["url"], "http://127.0.0.1:1/kite");
    assert_eq!(found[0]["keyId"], crate::hall::signing_key().id());
    assert_eq!(found[0]["kite"].as_object().unwrap().len(), 7);
    let claims = hall.registry.check_token(found[0]["token"].as_str().unwrap(), "a").unwrap();
    assert_eq!(
        (claims.subject.as_str(), claims.audience.as_str()),
        ("alice", "/alice/dev/math/1.2.3/eu/vm/a")
    );
}

#[tokio::test(start_paused = true)]
async fn strangers_find_nothing_and_administrators_see_without_calling() {
    let hall = Hall::new().await;
    let _kites = three(&hall).await;
    let root = hall.world.person("root");
    hall.world.facts().admins.insert(root);
    hall.world.key("root-key", root, None);

    let of_bob = hall.connect("bob-key").find(json!({"username": "alice"})).await;
    let of_root = hall.connect("root-key").find(json!({"username": "alice"})).await;

    assert!(of_bob.is_empty());
    assert_eq!(of_root.len(), 3);
    assert!(of_root.iter().all(|kite| kite["token"] == ""));
}

#[tokio::test(start_paused = true)]
async fn a_team_calls_what_was_registered_with_a_key_made_for_it() {
    let hall = Hall::new().await;
    let team = TeamId::from_bytes([5; 16]);
    for user in [hall.alice, hall.bob] {
        hall.world.facts().places.entry(user).or_default().insert(team, TeamRole::Member);
    }
    hall.world.key("team-key", hall.alice, Some(team));
    let ours = hall.connect_as("team-key", a_kite("ours"));
    ours.register().await;
    let mine = hall.connect_as("alice-key", a_kite("mine"));
    mine.register().await;

    let found = hall.connect("bob-key").find(json!({"name": "math"})).await;

    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["kite"]["id"], "ours");
    assert!(found[0]["token"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_may_only_look_gets_no_tokens() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let looks = hall.world.token(hall.alice, &[Scope::WorkspacesRead]);
    let enters = hall.world.token(hall.alice, &[Scope::WorkspacesEnter]);
    let both = hall.world.token(hall.alice, &[Scope::WorkspacesRead, Scope::WorkspacesEnter]);

    let seen = hall.connect_with_token(&looks).find(json!({"id": "a"})).await;
    let nothing = hall.connect_with_token(&enters).find(json!({"id": "a"})).await;
    let called = hall.connect_with_token(&both).find(json!({"id": "a"})).await;

    assert_eq!((seen.len(), &seen[0]["token"]), (1, &json!("")));
    assert!(nothing.is_empty());
    assert!(called[0]["token"].is_string());
    let token = hall.connect_with_token(&enters).call("getToken", json!({"id": "a"})).await;
    assert!(token.unwrap().is_string());
    assert_eq!(
        hall.connect_with_token(&looks).refused("getToken", json!({"id": "a"})).await,
        "no kites found"
    );
}

#[tokio::test(start_paused = true)]
async fn a_shared_kite_is_found_and_called() {
    let hall = Hall::new().await;
    let _kites = three(&hall).await;
    hall.world.share(
        hall.alice,
        ShareSubject::Service { environment: "dev".into(), name: "mail".into() },
        hall.bob,
    );

    let found = hall.connect("bob-key").find(json!({"username": "alice"})).await;

    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["kite"]["id"], "c");
    assert!(found[0]["token"].is_string());
}

#[tokio::test(start_paused = true)]
async fn more_than_a_thousand_are_cut_and_said_to_be() {
    let hall = Hall::new().await;
    let token = hall.world.token(hall.alice, &[Scope::WorkspacesRead]);
    for number in 0..2_u16 {
        // Straight into storage, as another server's: a thousand and one connections are beside the point.
        let kite = hall.connect_as("alice-key", a_kite(&format!("seed{number}")));
        kite.register().await;
    }
    let seed = hall.registry.get("seed0").unwrap();
    for number in 0..1000_u16 {
        let mut entry = registry::Entry::clone(&seed);
        entry.kite.id = format!("there{number}");
        entry.server = "there".into();
        hall.shelf.rows().stored.insert(entry.kite.id.clone(), entry);
    }
    hall.registry.changed_elsewhere();
    soon(async {
        while hall.ids().len() < 1002 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let alice = hall.connect_with_token(&token);

    let all = alice.call("getKites", json!({"query": {"name": "math"}})).await.unwrap();
    let few = alice.call("getKites", json!({"query": {"id": "there7"}})).await.unwrap();

    assert_eq!(all["kites"].as_array().unwrap().len(), 1000);
    assert_eq!(all["truncated"], true);
    assert_eq!((few["kites"].as_array().unwrap().len(), few.get("truncated")), (1, None));
}

#[tokio::test(start_paused = true)]
async fn callers_are_spread_over_equal_kites() {
    let hall = Hall::new().await;
    let mut kites = Vec::new();
    for id in ["a", "b", "c", "d"] {
        let kite = hall.connect_as("alice-key", a_kite(id));
        kite.register().await;
        kites.push(kite);
    }
    let mut firsts = std::collections::BTreeSet::new();

    for _ in 0..100 {
        let found = kites[0].call("getKites", json!({"query": {"name": "math"}})).await.unwrap();
        firsts.insert(found["kites"][0]["kite"]["id"].to_string());
    }

    assert_eq!(firsts.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn nobody_who_does_not_authenticate_is_told_anything() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let nobody = hall.client(a_kite("cli"), None, crate::hall::origin(None));

    for (method, argument) in [
        ("register", json!({"url": "http://127.0.0.1:1/"})),
        ("report", json!({"calls": 1, "errors": 0})),
        ("getKites", json!({"query": {"id": "a"}})),
        ("getToken", json!({"id": "a"})),
        ("cancelWatcher", json!("x")),
        ("share", json!({"id": "a", "username": "bob"})),
        ("unshare", json!({"id": "a", "username": "bob"})),
        ("shared", json!({})),
    ] {
        let refused = nobody.call(method, argument).await.unwrap_err();
        assert_eq!(refused.kind, "authenticationError", "{method}");
        assert_eq!(refused.message, "No authentication information is provided", "{method}");
    }
    assert_eq!(soon(nobody.peer.call::<Value>("kite.ping", ())).await.unwrap(), "pong");
}

#[tokio::test(start_paused = true)]
async fn the_credential_may_come_with_the_handshake() {
    let hall = Hall::new().await;
    let math = hall.connect_as("alice-key", a_kite("a"));
    math.register().await;
    let token = hall.world.token(hall.alice, &[Scope::All]);
    let key = hall.kite_key("alice-key").expose().to_owned();

    for bearer in [token, key] {
        let origin = registry::Origin { address: None, bearer: Some(bearer.into()) };
        assert_eq!(hall.client(a_kite("cli"), None, origin).find_ids(json!({"id": "a"})).await, ["a"]);
    }
}
