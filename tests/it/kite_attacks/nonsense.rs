//! What makes no sense, or only nearly: by every door, and by people with a key of their own.

use blackbox::server::PATIENCE;
use futures_util::{SinkExt, StreamExt};
use kite::Authentication;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::Place;

/// Every method of the registry, some that Kite's original had and this one must not have, and none.
const METHODS: [&str; 18] = [
    "register",
    "report",
    "getKites",
    "getToken",
    "getKey",
    "cancelWatcher",
    "share",
    "unshare",
    "shared",
    "registerMachine",
    "kite.ping",
    "kite.heartbeat",
    "kite.systemInfo",
    "kite.log",
    "kite.tunnel",
    "kite.notify",
    "",
    "__proto__",
];

/// Texts that are no message, or one that is wrong somewhere.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "null",
        "[]",
        "{}",
        "no json",
        "{\"method\":",
        "\u{feff}{}",
        "\u{0}\u{1}\u{2}",
        r#"{"method":"getKites"}"#,
        r#"{"method":{},"arguments":{}}"#,
        r#"{"method":-1,"arguments":[]}"#,
        r#"{"method":1.5,"arguments":[]}"#,
        r#"{"method":18446744073709551616,"arguments":[]}"#,
        r#"{"method":1e400,"arguments":[]}"#,
        r#"{"method":99,"arguments":[]}"#,
        r#"{"method":"getKites","method":0,"arguments":[]}"#,
        r#"{"method":"getKites","arguments":[null]}"#,
        r#"{"method":"getKites","arguments":[{"withArgs":7,"responseCallback":7}]}"#,
        r#"{"method":"getKites","arguments":[{"responseCallback":"[Function]"}],"callbacks":{"x":[0]}}"#,
        r#"{"method":"getKites","arguments":[{}],"callbacks":{"-1":["0","responseCallback"]}}"#,
        r#"{"method":"getKites","arguments":[{}],"callbacks":{"7":["0","withArgs","4294967295","x"]}}"#,
        r#"{"method":"getKites","arguments":[{}],"callbacks":{"7":["0","a"],"7":["0","b"]}}"#,
        r#"{"method":"getKites","arguments":[{}],"callbacks":{"7":["0","__proto__","constructor"]}}"#,
        r#"{"method":"getKites","arguments":[{"kite":7,"authentication":[],"withArgs":[]}],"links":7}"#,
        r#"{"method":"getKites","arguments":[{"authentication":{"type":7,"key":{}}}]}"#,
    ]
    .map(str::to_owned)
    .into();
    texts.push("[".repeat(200_000));
    texts.push(r#"{"a":"#.repeat(100_000));
    texts.push(format!(r#"{{"method":"getKites","arguments":[{}{}]}}"#, "[".repeat(5000), "]".repeat(5000)));
    texts
}

#[tokio::test]
async fn what_makes_no_sense_ends_at_most_the_connection_it_came_on() {
    let place = Place::new().await;
    let kontrol = place.registered("bystander").await;
    let registered = kontrol.registered().borrow().clone();
    let ping = r#"{"method":"kite.ping","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"7":["0","responseCallback"]}}"#;
    let relay = format!("{}/kite/relay/nothing", place.server.url);
    let mut answered = 0;

    for url in [place.registry(), relay, format!("{}/000/nonsense/websocket", place.registry())] {
        for message in
            texts().into_iter().flat_map(|text| [Message::text(text.clone()), Message::binary(text)])
        {
            let (mut socket, _) = tokio_tungstenite::connect_async(url.replace("http", "ws")).await.unwrap();
            for message in [message, Message::Ping(Bytes::from_static(&[0xff; 125])), Message::text(ping)] {
                drop(socket.send(message).await);
            }
            // It is answered, or the connection has an end.
            let last = async {
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() && message.to_text().is_ok_and(|text| text.contains("pong")) {
                        answered += 1;
                        break;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, last).await.expect("it is answered or ended");
        }
    }

    eprintln!("{answered} connections went on after nonsense");
    assert!(answered > 20, "a little nonsense is survived at the registry and the relay");
    assert_eq!(place.stranger().await.call::<String>("kite.ping", ()).await.unwrap(), "pong");
    assert_eq!(*kontrol.registered().borrow(), registered, "others have the same connection as before");
    assert!(!place.server.log().contains("panicked"), "{}", place.server.log());
}

#[tokio::test]
async fn no_argument_makes_an_answer_tell_more_than_one_sentence() {
    let place = Place::new().await;
    let marker = "\u{1b}[31mmarker\u{0}";
    let deep = (0..60).fold(json!(marker), |inner, _| json!([inner]));
    let arguments = [
        json!([]),
        json!([null]),
        json!([true]),
        json!([-1]),
        json!([1e300]),
        json!([marker]),
        json!([[marker]]),
        json!([{}]),
        json!([{"query": marker}]),
        json!([{"query": {"username": 1, "version": [marker]}}]),
        json!([{"query": {"username": "ada", "version": marker}}]),
        json!([{"id": marker, "force": marker}]),
        json!([{"url": {"a": marker}}]),
        json!([{"url": marker}]),
        json!([{"authType": marker, "token": marker}]),
        json!([{"calls": -1, "errors": marker}]),
        json!([marker, marker, marker]),
        json!([deep]),
    ];

    for method in METHODS {
        for argument in &arguments {
            // A connection each: rates are another matter, and what goes wrong must not spare the next.
            let peer = place.stranger().await;
            let key = Authentication::kite_key(place.key.clone());
            let answer = peer.request(method).args(argument).authentication(key).send::<Value>().await;
            let Err(error) = answer else { continue };
            let said = error.to_string();
            assert!(error.message.len() < 500, "{method} {argument}: {said}");
            for trace in ["panicked", "unwrap", ".rs:", "src/", "RUST_BACKTRACE", "SELECT ", "/tmp/", "\u{0}"]
            {
                assert!(!said.contains(trace), "{method} {argument} tells {trace:?}: {said}");
            }
            if method == "kite.tunnel" || method == "kite.notify" {
                assert!(error.is(kite::error::kind::METHOD_NOT_FOUND), "{method}: {error:?}");
            }
            assert!(!error.is(kite::error::kind::TIMEOUT), "{method} {argument} is not answered");
            peer.close();
        }
    }
    assert!(!place.server.log().contains("panicked"), "{}", place.server.log());
}
