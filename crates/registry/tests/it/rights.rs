use domain::{ShareSubject, TeamId, TeamRole};
use registry::{Policy as _, Whose};
use serde_json::json;

use crate::hall::{Hall, a_kite, soon};

#[tokio::test(start_paused = true)]
async fn what_was_registered_with_a_revoked_key_goes_with_its_connection() {
    let hall = Hall::new().await;
    hall.world.key("other-key", hall.alice, None);
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let other = hall.connect_as("other-key", a_kite("b"));
    other.register().await;

    hall.world.facts().credentials.remove("alice-key");
    hall.registry.rights_changed(Whose::User(hall.alice));

    hall.until_ids(&["b"]).await;
    soon(kite.peer.closed()).await;
    assert!(!other.peer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_at_once_on_a_connection_that_stands() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");
    alice.find(json!({"name": "math"})).await;

    hall.world.facts().credentials.remove("alice-key");
    hall.registry.rights_changed(Whose::User(hall.alice));
    let refused = alice.call("getKites", json!({"query": {"name": "math"}})).await.unwrap_err();

    assert_eq!(refused.kind, "authenticationError");
}

#[tokio::test(start_paused = true)]
async fn answers_are_remembered_and_forgotten() {
    let hall = Hall::new().await;
    let (alice, bob) = (hall.connect("alice-key"), hall.connect("bob-key"));
    let query = || json!({"name": "math"});
    let asked = || hall.world.facts().asked;
    for client in [&alice, &bob, &alice, &bob, &alice] {
        client.find(query()).await;
    }
    let first = asked();

    hall.registry.rights_changed(Whose::User(hall.alice));
    alice.find(query()).await;
    bob.find(query()).await;
    let after_change = asked();
    tokio::time::sleep(std::time::Duration::from_secs(31)).await;
    alice.find(query()).await;

    assert_eq!(first, 2);
    assert_eq!(after_change, 3, "only alice is asked about again");
    assert_eq!(asked(), 4, "half a minute later she is asked about once more");
}

#[tokio::test(start_paused = true)]
async fn a_registration_under_way_while_its_key_is_revoked_does_not_stay() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    // Known as good; the revocation is dealt with before the registration is there.
    kite.find(json!({"name": "math"})).await;
    let racing = kite.call("register", json!({"url": "http://127.0.0.1:1/"}));
    let revoked = async {
        hall.world.facts().credentials.remove("alice-key");
        hall.registry.rights_changed(Whose::User(hall.alice));
    };

    let (_outcome, ()) = tokio::join!(racing, revoked);

    hall.until_ids(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_suspended_owners_services_go_and_who_leaves_a_team_takes_theirs_out() {
    let hall = Hall::new().await;
    let team = TeamId::from_bytes([5; 16]);
    hall.world.facts().places.entry(hall.bob).or_default().insert(team, TeamRole::Member);
    hall.world.key("team-key", hall.bob, Some(team));
    let hers = hall.connect_as("alice-key", a_kite("hers"));
    hers.register().await;
    let ours = hall.connect_as("team-key", a_kite("ours"));
    ours.register().await;

    hall.world.facts().suspended.insert(hall.alice);
    hall.registry.rights_changed(Whose::User(hall.alice));
    hall.until_ids(&["ours"]).await;
    hall.world.facts().places.clear();
    hall.registry.rights_changed(Whose::User(hall.bob));

    hall.until_ids(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn lost_news_are_made_up_for_within_a_minute() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;

    hall.world.facts().credentials.remove("alice-key");
    hall.pass(61).await;

    assert!(hall.ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_the_policy_is_away_everything_stays_and_is_judged_afterwards() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;

    hall.world.facts().is_down = true;
    hall.world.facts().credentials.remove("alice-key");
    hall.registry.rights_changed(Whose::Everybody);
    hall.pass(10).await;
    let meanwhile =
        hall.connect("bob-key").call("getKites", json!({"query": {"name": "x"}})).await.unwrap_err();
    assert_eq!(hall.ids(), ["a"]);
    hall.world.facts().is_down = false;

    hall.until_ids(&[]).await;
    assert_eq!(meanwhile.kind, registry::kind::UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_share_ends_tokens_and_sight_at_once() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let subject = ShareSubject::Service { environment: "dev".into(), name: "math".into() };
    hall.world.share(hall.alice, subject, hall.bob);
    let bob = hall.connect("bob-key");
    bob.call("getToken", json!({"id": "a"})).await.unwrap();

    hall.world.facts().shares.clear();
    hall.registry.rights_changed(Whose::User(hall.bob));

    assert_eq!(bob.refused("getToken", json!({"id": "a"})).await, "no kites found");
    assert!(bob.find(json!({"id": "a"})).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_given_only_to_who_may_call() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let entry = hall.registry.get("a").unwrap();
    let principal = |name: &str| hall.world.facts().credentials[name].clone();
    let (alice, bob) = (principal("alice-key"), principal("bob-key"));
    let viewer_of_alice = hall.world.viewer(&alice).await.unwrap();
    let viewer_of_bob = hall.world.viewer(&bob).await.unwrap();

    let issued = hall.registry.token_for(&alice, viewer_of_alice.as_ref(), &entry).await;
    let refused = hall.registry.token_for(&bob, viewer_of_bob.as_ref(), &entry).await;

    assert_eq!(hall.registry.check_token(issued.unwrap().token.expose(), "a").unwrap().subject, "alice");
    assert_eq!(refused.err().unwrap().kind, registry::kind::NOT_ALLOWED);
}
