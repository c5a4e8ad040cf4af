//! What the registry asks the control plane about what lasts: keys to renew, servers to tell, scopes.

use std::collections::BTreeSet;

use domain::{Scope, SignedDuration};
use kite::Peer;
use registry::Whose;
use serde_json::{Value, json};
use testkit::wait_until;

use crate::kites_world::{
    a_key, a_kite, a_service, a_workspace, an_agent, call, call_with_token, connect, register,
};
use crate::sim::{LIMIT, World};
use crate::teams::{a_team, person};

/// The key that a kite is given when it registers, if it is given one.
async fn next_key(peer: &Peer, key: &str, name: &str) -> Option<String> {
    let answer = register(peer, key, name).await.unwrap();
    answer.get("kiteKey").and_then(Value::as_str).map(str::to_owned)
}

#[tokio::test]
async fn a_kite_whose_key_is_past_half_its_life_is_sent_to_register_again() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let owner = server.admin.user;
    let (_, key) = a_key(control, &server.admin, None).await;
    let first = a_service(control, &key, "math").await;

    world.clock.advance(SignedDuration::from_hours(24 * 16));
    control.registry().rights_changed(Whose::User(owner));
    tokio::time::timeout(LIMIT, first.closed()).await.expect("sent away to register again");
    let second = connect(control, &a_kite("math"));
    let next = next_key(&second, &key, "math").await.expect("the next key");

    // Past the first key's end as well: what is registered stays on the next.
    world.clock.advance(SignedDuration::from_hours(24 * 14));
    control.registry().rights_changed(Whose::User(owner));
    let other = connect(control, &a_kite("other"));
    register(&other, &key, "other").await.expect_err("the first key has ended");
    assert_eq!(next_key(&other, &next, "other").await, None);
    assert!(!second.is_closed());
    assert!(control.kite(&server.admin, "math-1").await.unwrap().connected);
}

#[tokio::test]
async fn a_kite_whose_key_was_renewed_for_another_is_sent_to_register_again() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (_, key) = a_key(control, &server.admin, None).await;
    let one = a_service(control, &key, "one").await;
    let two = a_service(control, &key, "two").await;
    world.clock.advance(SignedDuration::from_mins(2));

    control.rotate_registry_key(&server.admin, control::OlderKeys::Keep).await.unwrap();
    let next = next_key(&one, &key, "one").await.expect("one signed by the new pair");
    control.registry().rights_changed(Whose::User(server.admin.user));
    tokio::time::timeout(LIMIT, two.closed()).await.expect("its key ends within a day");
    let two = connect(control, &a_kite("two"));

    let own = next_key(&two, &key, "two").await.expect("the same issue");
    let issue = |text: &str| kite::kontrol::KiteKey::parse(text).unwrap().claims().id.clone();
    assert_eq!(issue(&own), issue(&next));
    // And that is all.
    control.registry().rights_changed(Whose::User(server.admin.user));
    call(&two, &own, "getKites", json!({ "query": { "name": "two" } })).await.unwrap();
    assert!(!one.is_closed() && !two.is_closed());
}

#[tokio::test]
async fn that_kites_are_seen_is_told_to_nobody() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    a_team(&server, "acme", &olga).await;
    let workspace = a_workspace(control, &olga, "acme").await;
    let mut nudges = world.store.nudges();
    let agent = an_agent(control, workspace).await;
    let id = workspace.to_string();
    let row = async || {
        let rows = world.store.read().await.unwrap().kites().await.unwrap();
        rows.into_iter().find(|row| row.id == id)
    };
    wait_until(LIMIT, async || row().await.is_some()).await;
    let mut told = async || {
        // Whatever was committed before this has been said before this.
        let mut tx = world.store.begin().await.unwrap();
        tx.nudge("mark");
        tx.commit().await.unwrap();
        let mut told = 0;
        loop {
            let topic = nudges.recv().await.unwrap();
            match &*topic {
                "mark" => return told,
                topic => told += usize::from(topic.starts_with("kites ")),
            }
        }
    };
    assert!(told().await > 0, "that it was stored is told");
    let before = row().await.unwrap().seen_at;

    world.clock.advance(SignedDuration::from_secs(61));
    wait_until(LIMIT, async || row().await.unwrap().seen_at > before).await;

    assert_eq!(told().await, 0);
    agent.close();
    wait_until(LIMIT, async || row().await.is_none()).await;
    assert!(told().await > 0, "that it is gone is told");
}

#[tokio::test]
async fn what_somebody_shares_is_told_by_the_protocol_as_by_the_api() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let peer = connect(control, &a_kite("cli"));

    for (scope, is_told) in
        [(Scope::WorkspacesRead, true), (Scope::WorkspacesWrite, false), (Scope::All, true)]
    {
        let (_, text) = control.create_token(&olga, "x", BTreeSet::from([scope]), None).await.unwrap();
        let answer = call_with_token(&peer, text.expose(), "shared", json!({})).await;
        assert_eq!(answer.is_ok(), is_told, "{scope:?}: {answer:?}");
    }
    let (_, key) = a_key(control, &olga, None).await;
    let with = json!({ "environment": "production", "name": "math", "username": "olga" });
    let refused = call(&peer, &key, "share", with).await.unwrap_err();
    assert!(refused.message.starts_with("it is yours already"), "{}", refused.message);
}
