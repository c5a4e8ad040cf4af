use kite::{Function, Peer};
use serde::Serialize;
use serde_json::{Value, json};

use crate::bench::{bench, until};
use crate::klient::{Recorder, call, client, try_call};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subscribe {
    event_name: &'static str,
    on_publish: Function,
    on_end: Function,
}

async fn subscribe(peer: &Peer, event_name: &'static str, recorder: &Recorder) -> Value {
    let (on_publish, on_end) = (recorder.function(event_name), recorder.function("end"));
    call(peer, "client.Subscribe", Subscribe { event_name, on_publish, on_end }).await["id"].clone()
}

#[tokio::test]
async fn events_reach_every_subscriber_on_every_connection_as_they_are() {
    let bench = bench().await;
    let (inside, outside) = (client(&bench).await, client(&bench).await);
    let (first, second) = (Recorder::new(), Recorder::new());
    subscribe(&inside, "openFiles", &first).await;
    subscribe(&outside, "openFiles", &second).await;
    subscribe(&outside, "other", &second).await;

    let event = json!({"eventName": "openFiles", "files": ["a.txt", "[Function]"], "n": 1});
    let published = call(&inside, "client.Publish", event.clone()).await;

    assert_eq!(published, json!({"subscribers": 2}));
    assert_eq!(first.next().await, ("openFiles", vec![event.clone()]));
    assert_eq!(second.next().await, ("openFiles", vec![event]));
    assert!(second.is_empty());
}

#[tokio::test]
async fn a_subscription_ends_when_it_is_ended_or_its_connection_is() {
    let bench = bench().await;
    let (staying, leaving) = (client(&bench).await, client(&bench).await);
    let recorder = Recorder::new();
    let id = subscribe(&staying, "open", &recorder).await;
    subscribe(&leaving, "open", &recorder).await;

    leaving.close();
    until("it is gone", || async {
        call(&staying, "client.Publish", json!({"eventName": "open"})).await == json!({"subscribers": 1})
    })
    .await;
    assert_eq!(call(&staying, "client.Unsubscribe", json!({"eventName": "open", "id": id})).await, true);
    let nobody = try_call(&staying, "client.Publish", json!({"eventName": "open"})).await.unwrap_err();
    let unknown =
        try_call(&staying, "client.Unsubscribe", json!({"eventName": "open", "id": id})).await.unwrap_err();

    assert_eq!(nobody.kind, "NoSubscribers");
    assert_eq!(unknown.kind, "SubNotFound");
}

#[tokio::test]
async fn a_subscriber_that_takes_nothing_is_ended_hears_of_it_and_holds_nobody_up() {
    let bench = bench().await;
    let (quick, slow) = (client(&bench).await, client(&bench).await);
    let (taken, not_taken) = (Recorder::new(), Recorder::new());
    subscribe(&quick, "flood", &taken).await;
    let id = subscribe(&slow, "flood", &not_taken).await;
    not_taken.stop();
    let event = json!({"eventName": "flood", "text": "x".repeat(60 << 10)});

    let mut published = 0;
    loop {
        published += 1;
        let reached = call(&quick, "client.Publish", event.clone()).await;
        assert_eq!(taken.next().await.0, "flood");
        if reached == json!({"subscribers": 1}) {
            break;
        }
        assert!(published < 500, "the slow one is never ended");
    }

    let ended =
        try_call(&quick, "client.Unsubscribe", json!({"eventName": "flood", "id": id})).await.unwrap_err();
    assert_eq!(ended.kind, "SubNotFound");
    not_taken.go_on();
    let (mut events, mut last) = (0, not_taken.next().await);
    while last.0 == "flood" {
        events += 1;
        last = not_taken.next().await;
    }
    assert_eq!(events, published - 1, "all that came before, and nothing after");
    assert_eq!((last.0, &last.1[0]["eventName"], &last.1[0]["id"]), ("end", &json!("flood"), &id));
    assert!(taken.is_empty());
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();
    subscribe(&peer, "open", &recorder).await;

    let long = json!({"eventName": "open", "text": "x".repeat(70 << 10)});
    let event = try_call(&peer, "client.Publish", long).await.unwrap_err();
    let name = try_call(&peer, "client.Publish", json!({"event": "open"})).await.unwrap_err();

    assert_eq!((event.kind.as_str(), name.kind.as_str()), ("argumentError", "argumentError"));
    assert!(recorder.is_empty());
}
