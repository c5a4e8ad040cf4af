use domain::ShareSubject;
use futures_util::{SinkExt, StreamExt};
use kite::transport::pair;
use kite::{Context, Kite};
use registry::Whose;
use serde_json::{Value, json};

use crate::hall::{Hall, a_kite, origin, soon};

#[derive(serde::Serialize)]
struct Wanted {
    query: Value,
    #[serde(rename = "watchCallback")]
    function: kite::Function,
}

fn math() -> ShareSubject {
    ShareSubject::Service { environment: "dev".into(), name: "math".into() }
}

#[tokio::test(start_paused = true)]
async fn who_watches_is_told_what_comes_and_goes() {
    let hall = Hall::new().await;
    let first = hall.connect_as("alice-key", a_kite("first"));
    first.register().await;
    let alice = hall.connect("alice-key");

    let (answer, mut events) =
        alice.watch("watchCallback", json!({"username": "alice", "name": "math"})).await;
    let second = hall.connect_as("alice-key", a_kite("second"));
    second.register().await;
    let other = hall.connect_as("alice-key", Kite { name: "mail".into(), ..a_kite("other") });
    other.register().await;
    let came = events.next().await;
    second.peer.close();
    let gone = events.next().await;

    assert!(answer["watcherID"].is_string());
    assert_eq!(answer["kites"].as_array().unwrap().len(), 1);
    assert_eq!((came["action"].as_str(), came["kite"]["id"].as_str()), (Some("REGISTER"), Some("second")));
    assert_eq!(came["url"], "http://127.0.0.1:1/kite");
    assert!(
        hall.registry.check_token(came["token"].as_str().unwrap(), "second").is_err(),
        "it is gone by now"
    );
    assert_eq!((gone["action"].as_str(), gone["kite"]["id"].as_str()), (Some("DEREGISTER"), Some("second")));
    assert_eq!(gone["token"], "");
    hall.pass(5).await;
    assert!(events.is_empty(), "the one with another name is not its business");
}

#[tokio::test(start_paused = true)]
async fn kite_js_is_told_in_its_own_form() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");
    let (answer, mut events) = alice.watch("watchHandler", json!({"name": "math"})).await;
    let kite = hall.connect_as("alice-key", a_kite("a"));

    kite.register().await;
    let event = events.next().await;

    assert!(answer["watcherID"].is_string());
    assert_eq!(event["err"], Value::Null);
    assert_eq!(event["result"]["action"], "REGISTER");
    assert_eq!(event["result"]["kite"]["id"], "a");
    assert!(hall.registry.check_token(event["result"]["token"].as_str().unwrap(), "a").is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_what_the_watcher_may_not_see() {
    let hall = Hall::new().await;
    let bob = hall.connect("bob-key");
    let (_, mut events) = bob.watch("watchCallback", json!({"name": "math"})).await;

    let hers = hall.connect_as("alice-key", a_kite("hers"));
    hers.register().await;
    hers.peer.close();
    hall.until_ids(&[]).await;
    hall.pass(5).await;

    assert!(events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sharing_shows_a_kite_and_taking_it_back_hides_it() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let bob = hall.connect("bob-key");
    let (answer, mut events) = bob.watch("watchCallback", json!({"username": "alice"})).await;
    assert_eq!(answer["kites"], json!([]));

    let share = json!({"environment": "dev", "name": "math", "username": "bob"});
    kite.call("share", share.clone()).await.unwrap();
    let shown = events.brief().await;
    kite.call("unshare", share).await.unwrap();
    let hidden = events.brief().await;

    assert_eq!(shown, ("REGISTER".into(), "a".into()));
    assert_eq!(hidden, ("DEREGISTER".into(), "a".into()));
    assert!(bob.find(json!({"username": "alice"})).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_credential() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    hall.world.share(hall.alice, math(), hall.bob);
    let bob = hall.connect("bob-key");
    let (_, mut events) = bob.watch("watchHandler", json!({"username": "alice"})).await;

    hall.world.facts().suspended.insert(hall.bob);
    hall.registry.rights_changed(Whose::User(hall.bob));
    let (gone, last) = (events.next().await, events.next().await);

    assert_eq!(gone["result"]["action"], "DEREGISTER");
    assert_eq!(last["err"]["type"], "authenticationError");
    kite.peer.close();
    hall.pass(5).await;
    assert!(events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_began_while_rights_changed_is_judged_again() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    hall.world.share(hall.alice, math(), hall.bob);
    let bob = hall.connect("bob-key");
    // Remembered with the share.
    assert_eq!(bob.find_ids(json!({"name": "math"})).await, ["a"]);

    let (answer, mut events) = bob.watch("watchCallback", json!({"username": "alice"})).await;
    hall.world.facts().shares.clear();
    hall.registry.rights_changed(Whose::User(hall.bob));

    assert_eq!(answer["kites"].as_array().unwrap().len(), 1);
    assert_eq!(events.brief().await, ("DEREGISTER".into(), "a".into()));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_watch_is_told_nothing_and_only_its_owner_cancels_it() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");
    let (answer, mut events) = alice.watch("watchCallback", json!({"name": "math"})).await;
    let id = answer["watcherID"].clone();

    let by_bob = hall.connect("bob-key").call("cancelWatcher", id.clone()).await.unwrap_err();
    let by_alice = alice.call("cancelWatcher", id.clone()).await.unwrap();
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    hall.pass(5).await;
    let again = alice.call("cancelWatcher", id).await.unwrap_err();

    assert_eq!(by_bob.kind.as_str(), registry::kind::NOT_FOUND);
    assert_eq!(by_alice, true);
    assert_eq!((again.kind, again.message), (by_bob.kind, by_bob.message));
    assert!(events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_comes_back_elsewhere_is_told_once_with_its_new_address() {
    let hall = Hall::new().await;
    let kite = hall.connect_as("alice-key", a_kite("a"));
    kite.register().await;
    let alice = hall.connect("alice-key");
    let (_, mut events) = alice.watch("watchCallback", json!({"id": "a"})).await;

    let again = hall.connect_as("alice-key", a_kite("a"));
    again.call("register", json!({"url": "http://127.0.0.1:2/kite"})).await.unwrap();
    let event = events.next().await;
    hall.pass(5).await;

    assert_eq!(
        (event["action"].as_str(), event["url"].as_str()),
        (Some("REGISTER"), Some("http://127.0.0.1:2/kite"))
    );
    assert!(events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn watches_are_bounded_and_go_with_their_connections() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");
    let mut held = Vec::new();
    for _ in 0..32 {
        held.push(alice.watch("watchCallback", json!({"name": "math"})).await);
    }
    let other = hall.connect("alice-key");
    let functions = kite::Functions::new();
    let function = functions.add(|_| std::future::ready(()));
    let wanted = || Wanted { query: json!({"name": "math"}), function: function.clone() };

    let refused = soon(other.peer.call::<Value>("getKites", (wanted(),))).await.unwrap_err();
    alice.peer.close();
    soon(alice.peer.closed()).await;

    assert_eq!(refused.kind, registry::kind::TOO_MANY);
    soon(async {
        while other.peer.call::<Value>("getKites", (wanted(),)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_does_not_read_is_given_up() {
    let hall = Hall::new().await;
    let key = hall.kite_key("alice-key");
    // Nothing is read of this connection but the answer to the watch.
    let (mut near, far) = pair(1);
    let registry = hall.registry.clone();
    tokio::spawn(async move { registry.serve(far, Context::with(origin(None))).await });
    let call = json!({
        "method": "getKites",
        "arguments": [{
            "kite": a_kite("cli"),
            "authentication": {"type": "kiteKey", "key": key.expose()},
            "responseCallback": "[Function]",
            "withArgs": [{"query": {"username": "alice"}, "watchCallback": "[Function]"}],
        }],
        "callbacks": {"0": [0, "responseCallback"], "1": [0, "withArgs", 0, "watchCallback"]},
    });
    soon(near.send(call.to_string())).await.unwrap();
    let answer = soon(near.next()).await.unwrap().unwrap();
    let id = serde_json::from_str::<Value>(&answer).unwrap()["arguments"][0]["result"]["watcherID"].clone();
    assert!(id.is_string(), "{answer}");
    // A megabyte and more of events: what waits to be sent is bounded, and then the watcher is too slow.
    let long = format!("http://host/{}", "x".repeat(2000));
    let flapping = hall.connect_as("alice-key", a_kite("a"));
    for round in 0..400 {
        flapping.call("register", json!({"url": format!("{long}{round}")})).await.unwrap();
        hall.pass(1).await;
    }

    hall.pass(60).await;
    let cancelled = hall.connect("alice-key").call("cancelWatcher", id).await.unwrap_err();

    assert_eq!(cancelled.kind, registry::kind::NOT_FOUND, "it has ended already");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_may_is_looked_up_once_for_all_their_watches() {
    let hall = Hall::new().await;
    let alice = hall.connect("alice-key");
    let mut watches = Vec::new();
    for _ in 0..20 {
        watches.push(alice.watch("watchCallback", json!({"name": "math"})).await);
    }
    let before = hall.world.facts().looked;

    hall.registry.rights_changed(registry::Whose::User(hall.alice));
    hall.pass(2).await;

    assert_eq!(hall.world.facts().looked - before, 1);
}
