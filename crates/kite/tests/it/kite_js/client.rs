//! Servers of kite.js, called by our client.

use super::*;

/// Both kinds of its servers, with what reaches them.
const KINDS: [(&str, &[Transports]); 2] = [
    ("WebSocket", &[Transports::Auto, Transports::WebSocket]),
    ("SockJS", &[Transports::Auto, Transports::SockJsWebSocket, Transports::XhrPolling]),
];

/// Connects to a server of kite.js by every way there is, and does this with each connection.
async fn with_each(driver: &mut Driver, mut deed: impl AsyncFnMut(&mut Driver, Peer, String)) {
    for (kind, ways) in KINDS {
        let wish = serde_json::json!({"do": "server", "as": kind, "kind": kind, "prefix": "/kite"});
        let port = driver.ask(wish).await.unwrap();
        for transports in ways {
            let dialer = Dialer::new(&format!("http://127.0.0.1:{port}/kite")).unwrap().by(*transports);
            let service = Service::builder(a_kite("caller"))
                .method_with("hello", MethodOptions::new().open(), async |request: Request| {
                    Ok(format!("hello {}", request.arg::<String>()?))
                })
                .build();
            let peer = soon(dialer.dial(&service, Context::default())).await.unwrap();
            deed(driver, peer.clone(), format!("{kind} by {transports:?}")).await;
            peer.close();
            soon(peer.closed()).await;
        }
    }
}

#[tokio::test]
async fn its_methods_are_called_and_its_errors_understood() {
    let Some(mut driver) = driver() else { return };

    with_each(&mut driver, async |_, peer, way| {
        assert_eq!(peer.call::<String>("kite.ping", ()).await.unwrap(), "pong", "{way}");
        assert_eq!(peer.call::<u64>("square", 5).await.unwrap(), 25, "{way}");
        assert_eq!(peer.call::<u64>("sum", (1, 2)).await.unwrap(), 3, "{way}");
        let long = "é".repeat(100_000);
        let sum: String = peer.call("sum", (&long, "!")).await.unwrap();
        assert_eq!(sum.len(), 200_001, "{way}");
        let info: serde_json::Value = peer.call("kite.systemInfo", ()).await.unwrap();
        assert_eq!(info["state"], "RUNNING", "{way}");
        let error = peer.call::<()>("boom", ()).await.unwrap_err();
        assert_eq!(error, Error::custom("boomError", "boom happened", "42"), "{way}");
    })
    .await;
}

#[tokio::test]
async fn what_it_does_not_answer_is_waited_for_no_longer_than_said() {
    let Some(mut driver) = driver() else { return };

    with_each(&mut driver, async |_, peer, way| {
        for method in ["nosuch", "silent"] {
            let call = peer.request(method).timeout(Duration::from_millis(300));
            assert!(call.send::<()>().await.unwrap_err().is(kite::error::kind::TIMEOUT), "{way} {method}");
        }
        assert_eq!(peer.call::<String>("twice", ()).await.unwrap(), "first", "{way}");
        assert_eq!(peer.call::<u64>("square", 3).await.unwrap(), 9, "{way}: the second answer is ignored");
    })
    .await;
}

#[tokio::test]
async fn it_calls_functions_in_its_own_way() {
    let Some(mut driver) = driver() else { return };

    with_each(&mut driver, async |_, peer, way| {
        let functions = Functions::new();
        let (tell, told) = unbounded_channel();
        let each = functions.add(move |arguments: kite::Arguments| {
            tell.send(arguments.raw().to_vec()).unwrap();
            std::future::ready(())
        });
        let done: serde_json::Value = peer.call("count", (3, each)).await.unwrap();
        assert_eq!(done["done"], true, "{way}");
        // Its servers wrap what they call functions with, as if it were the answer to a call.
        let wrapped: Vec<_> = tokio_stream(told).take(3).collect().await;
        let expected: Vec<_> = (1..=3).map(|n| vec![serde_json::json!({"error": n})]).collect();
        assert_eq!(wrapped, expected, "{way}");

        // A function in its result is said to be at a wrong place and leads nowhere; the answer is read all the same.
        let lost: serde_json::Value = peer.call("stoppable", ()).await.unwrap();
        assert_eq!(lost, serde_json::json!({"stop": "[Function]"}), "{way}");
        assert_eq!(peer.call::<u64>("square", 3).await.unwrap(), 9, "{way}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_goes_is_noticed_and_calls_under_way_fail() {
    let Some(mut driver) = driver() else { return };
    let wish = serde_json::json!({"do": "server", "as": "WebSocket", "kind": "WebSocket"});
    let port = driver.ask(wish).await.unwrap();
    let dialer = Dialer::new(&format!("ws://127.0.0.1:{port}")).unwrap();
    let peer = soon(dialer.dial(&Service::client(a_kite("caller")), Context::default())).await.unwrap();
    let waiting = tokio::spawn({
        let peer = peer.clone();
        async move { peer.call::<()>("silent", ()).await }
    });
    assert_eq!(peer.call::<u64>("square", 3).await.unwrap(), 9);

    drop(driver);

    soon(peer.closed()).await;
    assert!(soon(waiting).await.unwrap().unwrap_err().is(kite::error::kind::DISCONNECTED));
}

/// What comes out of a channel.
fn tokio_stream<T>(channel: UnboundedReceiver<T>) -> impl futures_util::Stream<Item = T> + Unpin {
    Box::pin(futures_util::stream::unfold(channel, async |mut channel| {
        channel.recv().await.map(|item| (item, channel))
    }))
}
