use domain::{Scope, TeamId};
use serde_json::{Value, json};

use crate::hall::{Hall, a_kite};

#[tokio::test(start_paused = true)]
async fn a_service_is_shared_by_its_id_or_by_its_names() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;

    let by_id = kite.call("share", json!({"id": "a", "username": "bob"})).await.unwrap();
    let ahead =
        kite.call("share", json!({"environment": "dev", "name": "later", "username": "bob"})).await.unwrap();
    let listed = kite.call("shared", json!({})).await.unwrap();

    let names =
        |value: &Value| (value["environment"].clone(), value["name"].clone(), value["username"].clone());
    assert_eq!(names(&by_id), (json!("dev"), json!("math"), json!("bob")));
    assert_eq!(names(&ahead), (json!("dev"), json!("later"), json!("bob")));
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(hall.connect("bob-key").find_ids(json!({"username": "alice"})).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_is_shared_by_its_id() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL).to_string();
    let agent = hall.agent(id.parse().unwrap());
    agent.call("register", json!({"url": ""})).await.unwrap();
    let (alice, bob) = (hall.connect("alice-key"), hall.connect("bob-key"));

    let shared = alice.call("share", json!({"id": id, "username": "bob"})).await.unwrap();
    let found = bob.find(json!({"id": id})).await;
    let not_his = bob.call("share", json!({"id": id, "username": "bob"})).await.unwrap_err();
    let ended = alice.call("unshare", json!({"id": id, "username": "bob"})).await.unwrap();
    let again = alice.call("unshare", json!({"id": id, "username": "bob"})).await.unwrap();

    assert_eq!(shared["id"], id);
    assert!(found[0]["token"].is_string());
    assert_eq!(not_his.kind, registry::kind::NOT_ALLOWED);
    assert_eq!((ended, again), (json!(true), json!(false)));
    assert!(bob.find(json!({"id": id})).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_shared_is_refused_alike_whether_it_is_there_or_not() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let bob = hall.connect("bob-key");

    let hers = bob.call("share", json!({"id": "a", "username": "bob"})).await.unwrap_err();
    let nothing = bob.call("share", json!({"id": "nothing", "username": "bob"})).await.unwrap_err();
    let nobody = kite.call("share", json!({"id": "a", "username": "zed"})).await.unwrap_err();
    let nameless = kite.call("share", json!({"id": "a"})).await.unwrap_err();
    let agents =
        kite.call("share", json!({"environment": "hearth", "name": "klient", "username": "bob"})).await;
    let odd = kite.call("share", json!({"environment": "a/b", "name": "x", "username": "bob"})).await;

    assert_eq!((hers.kind, hers.message), (nothing.kind, nothing.message));
    assert_eq!(nobody.kind, registry::kind::NOT_FOUND);
    assert_eq!(nameless.kind, "argumentError");
    assert_eq!(agents.unwrap_err().kind, "argumentError");
    assert_eq!(odd.unwrap_err().kind, "argumentError");
    assert!(hall.world.facts().shares.is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_a_credential_for_everything_shares() {
    let hall = Hall::new().await;
    let token = hall.world.token(hall.alice, &[Scope::WorkspacesEnter, Scope::WorkspacesRead]);
    let client = hall.connect_with_token(&token);

    let refused = client.call("share", json!({"environment": "dev", "name": "x", "username": "bob"})).await;

    assert_eq!(refused.unwrap_err().kind, registry::kind::NOT_ALLOWED);
}

#[tokio::test(start_paused = true)]
async fn what_is_shared_is_told_to_tokens_that_may_look() {
    let hall = Hall::new().await;
    let looks = hall.world.token(hall.alice, &[Scope::WorkspacesRead]);
    let writes = hall.world.token(hall.alice, &[Scope::WorkspacesWrite]);

    let told = hall.connect_with_token(&looks).call("shared", json!({})).await;
    let refused = hall.connect_with_token(&writes).call("shared", json!({})).await.unwrap_err();

    assert_eq!(told.unwrap(), json!([]));
    assert_eq!(refused.kind, registry::kind::NOT_ALLOWED);
    assert!(refused.message.contains("lacks the scope"), "{}", refused.message);
}

#[tokio::test(start_paused = true)]
async fn who_shares_with_themselves_is_told_that_it_is_theirs() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;

    let refused = kite.refused("share", json!({"id": "a", "username": "alice"})).await;

    assert!(refused.starts_with("it is yours already"), "{refused}");
}
