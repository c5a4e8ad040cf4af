//! Whatever the other end sends, a connection neither panics nor stays busy, and an idle one is small.

use kite::{Limits, MethodOptions, Service};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ends::{Hand, a_service, soon, until};

fn a_member() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!(["[Function]", "[Function]"])),
        Just(json!({"a": "[Function]"})),
        Just(json!({"type": "token", "key": "x"})),
        Just(json!({"name": "x", "id": 5})),
        Just(json!({"error": null, "result": {"stop": "[Function]"}})),
        Just(json!({"error": {"message": 5}})),
        any::<i8>().prop_map(Value::from),
        "[a-z]{0,5}".prop_map(Value::from),
    ]
}

fn a_path() -> impl Strategy<Value = Value> {
    let steps = prop_oneof![
        Just(json!(0)),
        Just(json!("0")),
        Just(json!(1)),
        Just(json!("withArgs")),
        Just(json!("responseCallback")),
        Just(json!("result")),
        a_member(),
    ];
    proptest::collection::vec(steps, 0..4).prop_map(Value::from)
}

/// Messages that are nearly right.
fn a_text() -> impl Strategy<Value = String> {
    let method = prop_oneof![
        (0..4_u8).prop_map(Value::from),
        Just(json!("echo")),
        Just(json!("ask")),
        Just(json!("kite.ping")),
        Just(json!("kite.heartbeat")),
        a_member(),
    ];
    let call =
        (a_member(), a_member(), a_member(), any::<bool>()).prop_map(|(kite, known, list, answered)| {
            let mut call = json!({"kite": kite, "authentication": known, "withArgs": list});
            if answered {
                call["responseCallback"] = json!("[Function]");
            }
            json!([call])
        });
    let arguments =
        prop_oneof![call, a_member(), proptest::collection::vec(a_member(), 0..3).prop_map(Value::from)];
    let callbacks = proptest::collection::btree_map("[0-9]{1,2}", a_path(), 0..4);
    (method, arguments, callbacks).prop_map(|(method, arguments, callbacks)| {
        json!({"method": method, "arguments": arguments, "callbacks": callbacks}).to_string()
    })
}

fn a_target() -> Service {
    a_service()
        .limits(Limits { nonsense_per_second: 1000, ..Limits::default() })
        .method_with(
            "echo",
            MethodOptions::new().open(),
            |request| async move { request.args::<Vec<Value>>() },
        )
        .method_with("ask", MethodOptions::new().open(), |request| async move {
            let callbacks: Vec<kite::Callback> = request.args()?;
            for callback in callbacks {
                callback.call(request.raw()).await?;
            }
            request.peer().request("who").timeout(std::time::Duration::from_millis(1)).send::<Value>().await
        })
        .build()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_connection_survives_messages_that_are_nearly_right(texts in proptest::collection::vec(a_text(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut hand = Hand::to(&a_target());
            for text in &texts {
                hand.send(text).await;
            }
            hand.send(r#"{"method":"echo","arguments":[{"withArgs":["last"]}],"callbacks":{"99":[0,"responseCallback"]}}"#).await;
            loop {
                let message = hand.next_value().await;
                if message["method"] == 99 && message["arguments"][0]["result"] == json!(["last"]) {
                    break;
                }
            }
            until(|| hand.peer.counts().running == 0 && hand.peer.counts().open_calls == 0).await;
            hand.peer.close();
            soon(hand.peer.closed()).await;
        });
    }
}

/// Memory of this process that is in use, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn an_idle_connection_costs_a_few_kilobytes() {
    const CONNECTIONS: usize = 5000;
    let server = a_target();
    let mut warm = Hand::to(&server);
    warm.call("echo", "[1]").await;
    let before = resident();

    let mut hands = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut hand = Hand::to(&server);
        assert_eq!(hand.call("echo", "[1]").await["result"], json!([1]));
        hands.push(hand);
    }

    // With the transport in memory, whose queues hold 32 messages a block each way.
    let each = (resident() - before) / CONNECTIONS;
    println!("{each} bytes each, of which the connection itself {}", size_of::<kite::Connection>());
    assert!(each < 8192, "{each} bytes each");
}
