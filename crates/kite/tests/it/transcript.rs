//! What kite.js and Go's kites were seen to send, byte for byte, and what they get.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kite::{
    Authenticator, Callback, Claim, Error, Function, Functions, MethodOptions, RateLimit, Request, Service,
    Verified,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ends::{Hand, a_service, soon};

/// The caller as kite.js describes itself.
const K: &str = r#"{"id":"8ab3","username":"alice","environment":"browser-environment","name":"cli","version":"1.0.13","region":"browser-region","hostname":"browser-hostname"}"#;

struct Tokens;

#[async_trait]
impl Authenticator for Tokens {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        match claim.authentication {
            None => Err(Error::authentication("No authentication information is provided")),
            Some(known) if known.kind() == "token" && known.expose() == "good" => Ok(Verified::user("bob")),
            Some(other) => {
                Err(Error::authentication(format!("Unknown authentication type: {}", other.kind())))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stream {
    n: u64,
    on_item: Callback,
}

#[derive(Serialize)]
struct Streamed {
    n: u64,
    stop: Function,
}

async fn stream(request: Request, stopped: Arc<Mutex<Vec<String>>>) -> Result<Streamed, Error> {
    let Stream { n, on_item } = request.arg()?;
    for number in 1..=n {
        on_item.call(json!({"n": number})).await?;
    }
    let group = Functions::new();
    let stop = group.add(move |arguments| {
        stopped.lock().unwrap().push(arguments.arg().unwrap());
        async {}
    });
    request.keep(group);
    Ok(Streamed { n, stop })
}

fn math(stopped: Arc<Mutex<Vec<String>>>) -> Service {
    let open = || MethodOptions::new().open();
    a_service()
        .authenticator(Arc::new(Tokens))
        .method_with(
            "square",
            open(),
            |request| async move { request.arg::<i64>().map(|number| number * number) },
        )
        .method_with("count", open(), |request| async move {
            let (to, each): (u64, Callback) = request.args()?;
            for number in 1..=to {
                each.call((number,)).await?;
            }
            Ok(json!({"done": true}))
        })
        .method_with("boom", open(), |_| async {
            Err::<(), _>(Error::custom("customType", "boom happened", "42"))
        })
        .method_with("stream", open(), move |request| stream(request, stopped.clone()))
        .method_with("throttled", open().rate(RateLimit { burst: 1, per_second: 0.0 }), |_| async {
            Ok("ok")
        })
        .method("secret", |request| async move { Ok(format!("hello {}", request.caller().kite.username)) })
        .build()
}

#[tokio::test]
async fn kite_js_calls_over_a_raw_socket() {
    let mut js = Hand::to(&math(Arc::default()));

    js.send(&format!(
        r#"{{"arguments":[{{"kite":{K},"withArgs":[],"responseCallback":"[Function]"}}],"callbacks":{{"0":["0","responseCallback"]}},"links":[],"method":"kite.ping"}}"#
    ))
    .await;
    js.expect(r#"{"method":0,"arguments":[{"error":null,"result":"pong"}],"callbacks":{}}"#).await;

    js.send(&format!(
        r#"{{"arguments":[{{"kite":{K},"withArgs":[3,"[Function]"],"responseCallback":"[Function]"}}],"callbacks":{{"3":["0","withArgs","1"],"4":["0","responseCallback"]}},"links":[],"method":"count"}}"#
    ))
    .await;
    // Raw arguments, where a server made with kite.js wraps them.
    for number in 1..=3 {
        js.expect(&format!(r#"{{"method":3,"arguments":[{number}],"callbacks":{{}}}}"#)).await;
    }
    js.expect(r#"{"method":4,"arguments":[{"error":null,"result":{"done":true}}],"callbacks":{}}"#).await;
}

#[tokio::test]
async fn kite_js_may_send_a_bare_argument() {
    let mut js = Hand::to(&math(Arc::default()));

    assert_eq!(js.call("square", "5").await, json!({"error": null, "result": 25}));
    assert_eq!(js.call("square", "[5]").await, json!({"error": null, "result": 25}));
    assert_eq!(js.call("square", "[5,6]").await["error"]["type"], "argumentError");
    assert_eq!(js.call("square", "[]").await["error"]["type"], "argumentError");
    assert_eq!(js.call("square", "null").await["error"]["type"], "argumentError");
}

#[tokio::test]
async fn a_bare_argument_may_have_functions_too() {
    let mut js = Hand::to(&math(Arc::default()));

    js.send(r#"{"method":"stream","arguments":[{"withArgs":{"n":1,"onItem":"[Function]"},"responseCallback":"[Function]"}],"callbacks":{"9":["0","withArgs","onItem"],"10":["0","responseCallback"]}}"#)
        .await;

    js.expect(r#"{"method":9,"arguments":[{"n":1}],"callbacks":{}}"#).await;
    assert_eq!(js.next_value().await["method"], 10);
}

#[tokio::test]
async fn a_result_has_a_function_that_the_caller_calls() {
    let stopped = Arc::new(Mutex::new(vec![]));
    let mut js = Hand::to(&math(stopped.clone()));

    js.send(&format!(
        r#"{{"arguments":[{{"kite":{K},"withArgs":[{{"n":2,"onItem":"[Function]"}}],"responseCallback":"[Function]"}}],"callbacks":{{"9":["0","withArgs","0","onItem"],"10":["0","responseCallback"]}},"links":[],"method":"stream"}}"#
    ))
    .await;
    js.expect(r#"{"method":9,"arguments":[{"n":1}],"callbacks":{}}"#).await;
    js.expect(r#"{"method":9,"arguments":[{"n":2}],"callbacks":{}}"#).await;
    js.expect(r#"{"method":10,"arguments":[{"error":null,"result":{"n":2,"stop":"[Function]"}}],"callbacks":{"0":[0,"result","stop"]}}"#)
        .await;
    js.send(r#"{"method":0,"arguments":["bye"],"callbacks":{},"links":[]}"#).await;

    crate::ends::until(|| *stopped.lock().unwrap() == ["bye"]).await;
}

#[tokio::test]
async fn errors_have_a_type_and_a_request_id() {
    let mut js = Hand::to(&math(Arc::default()));

    let boom = js.call("boom", "[]").await;
    let missing = js.call("nosuch", "[]").await;

    assert_eq!(boom["result"], Value::Null);
    assert_eq!(boom["error"]["type"], "customType");
    assert_eq!(boom["error"]["message"], "boom happened");
    assert_eq!(boom["error"]["code"], "42");
    let id = boom["error"]["id"].as_str().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(
        missing["error"],
        json!({"type": "methodNotFound", "message": "Method not found: nosuch", "code": "", "id": ""})
    );
}

#[tokio::test]
async fn a_method_that_is_not_open_wants_a_credential() {
    let mut js = Hand::to(&math(Arc::default()));
    let call = |authentication: &str| {
        format!(
            r#"{{"method":"secret","arguments":[{{"kite":{K},{authentication}"withArgs":[],"responseCallback":"[Function]"}}],"callbacks":{{"1":["0","responseCallback"]}}}}"#
        )
    };

    let expected = [
        ("", "No authentication information is provided"),
        (r#""authentication":null,"#, "No authentication information is provided"),
        (r#""authentication":{"type":"bogus","key":"x"},"#, "Unknown authentication type: bogus"),
    ];
    for (authentication, message) in expected {
        js.send(&call(authentication)).await;
        let answer = js.next_value().await;
        assert_eq!(answer["arguments"][0]["error"]["type"], "authenticationError");
        assert_eq!(answer["arguments"][0]["error"]["message"], message);
    }
    js.send(&call(r#""authentication":{"type":"token","key":"good"},"#)).await;
    // Not alice, as the caller says of itself, but whom the token names.
    js.expect(r#"{"method":1,"arguments":[{"error":null,"result":"hello bob"}],"callbacks":{}}"#).await;
}

#[tokio::test]
async fn a_drained_bucket_refuses() {
    let mut js = Hand::to(&math(Arc::default()));

    assert_eq!(js.call("throttled", "[]").await["result"], "ok");
    let refused = js.call("throttled", "[]").await;

    assert_eq!(refused["error"]["type"], "requestLimitError");
    assert_eq!(refused["error"]["message"], "The maximum request rate is exceeded.");
}

#[tokio::test]
async fn a_server_calls_its_client_and_takes_every_form_of_answer() {
    let answers = [
        // Go's kites, and clients made with kite.js that answer with one object.
        r#"[{"error":null,"result":"hi world"}]"#,
        r#"[{"result":"hi world"}]"#,
        // Clients made with kite.js.
        r#"[null,"hi world"]"#,
    ];
    let mut js = Hand::to(&math(Arc::default()));
    for (id, answer) in answers.iter().enumerate() {
        let peer = js.peer.clone();
        let hello = tokio::spawn(async move { peer.call::<String>("hello", ("world",)).await });

        js.expect(&format!(
            r#"{{"method":"hello","arguments":[{{"kite":{},"withArgs":["world"],"responseCallback":"[Function]"}}],"callbacks":{{"{id}":[0,"responseCallback"]}}}}"#,
            r#"{"id":"math-1","username":"alice","environment":"dev","name":"math","version":"1.2.3","region":"eu","hostname":"vm"}"#
        ))
        .await;
        js.send(&format!(r#"{{"method":{id},"arguments":{answer},"callbacks":{{}},"links":[]}}"#)).await;

        assert_eq!(soon(hello).await.unwrap().unwrap(), "hi world");
    }
}

#[tokio::test]
async fn failures_of_a_client_are_errors_in_every_form() {
    let expected = [
        (
            r#"[{"error":{"type":"genericError","message":"boom happened","code":"42"}}]"#,
            "genericError",
            "boom happened",
        ),
        (r#"[{"error":"boom happened"}]"#, "genericError", "boom happened"),
        (r#"[{"type":"x","message":"boom happened"},null]"#, "x", "boom happened"),
        (r#"["boom happened",null]"#, "genericError", "boom happened"),
        ("[]", "invalidResponse", "the answer has neither an error nor a result"),
        ("[5]", "invalidResponse", "the answer has neither an error nor a result"),
        ("[{}]", "invalidResponse", "the answer has neither an error nor a result"),
    ];
    let mut js = Hand::to(&math(Arc::default()));
    for (id, (answer, kind, message)) in expected.into_iter().enumerate() {
        let peer = js.peer.clone();
        let call = tokio::spawn(async move { peer.call::<Value>("hello", ()).await });
        js.next_value().await;
        js.send(&format!(r#"{{"method":{id},"arguments":{answer}}}"#)).await;

        let error = soon(call).await.unwrap().unwrap_err();

        assert_eq!((error.kind.as_str(), error.message.as_str()), (kind, message));
    }
}

#[tokio::test]
async fn a_function_in_a_result_is_found_by_every_form_of_its_path() {
    let answers = [
        r#"{"method":0,"arguments":[{"result":{"stop":"[Function]"}}],"callbacks":{"5":["0","result","stop"]}}"#,
        r#"{"method":1,"arguments":[null,{"stop":"[Function]"}],"callbacks":{"5":["1","stop"]}}"#,
        // Servers made with kite.js: one argument, and a path as if it were two.
        r#"{"method":2,"arguments":[{"error":null,"result":{"stop":"[Function]"}}],"callbacks":{"5":["1","stop"]}}"#,
    ];
    let mut js = Hand::to(&math(Arc::default()));
    for answer in answers {
        let peer = js.peer.clone();
        let call = tokio::spawn(async move { peer.call::<HashMap<String, Callback>>("m", ()).await });
        js.next_value().await;
        js.send(answer).await;

        let result = soon(call).await.unwrap().unwrap();
        result["stop"].call(()).await.unwrap();

        js.expect(r#"{"method":5,"arguments":[],"callbacks":{}}"#).await;
    }
}

#[tokio::test]
async fn an_answer_of_null_alone_is_a_success_without_a_result() {
    let mut js = Hand::to(&math(Arc::default()));
    let peer = js.peer.clone();
    let call = tokio::spawn(async move { peer.call::<()>("kite.heartbeat", (10, 0)).await });
    js.next_value().await;
    js.send(r#"{"method":0,"arguments":[null]}"#).await;

    assert_eq!(soon(call).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_registry_asks_for_heartbeats() {
    let mut registry = Hand::to(&math(Arc::default()));

    registry
        .send(r#"{"method":"kite.heartbeat","arguments":[{"kite":{"name":"kontrol"},"authentication":null,"responseCallback":"[Function]","withArgs":[10,"[Function]"]}],"callbacks":{"0":[0,"responseCallback"],"1":[0,"withArgs",1]}}"#)
        .await;

    registry.expect(r#"{"method":1,"arguments":[],"callbacks":{}}"#).await;
    registry.expect(r#"{"method":0,"arguments":[{"error":null,"result":null}],"callbacks":{}}"#).await;
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terminal {
    session: String,
    input: Callback,
    control_sequence: Callback,
    set_size: Callback,
    close: Callback,
    terminate: Callback,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Remote {
    output: Function,
    session_ended: Function,
}

#[tokio::test]
async fn functions_that_only_callbacks_name_can_be_called() {
    let mut klient = Hand::to(&math(Arc::default()));
    let peer = klient.peer.clone();
    let (sender, mut output) = tokio::sync::mpsc::unbounded_channel();
    let connect = tokio::spawn(async move {
        let group = Functions::new();
        let ended = sender.clone();
        let remote = Remote {
            output: group.add(move |arguments| {
                sender.send(arguments.arg::<String>().unwrap()).unwrap();
                async {}
            }),
            session_ended: group.add(move |arguments| {
                assert!(arguments.raw().is_empty());
                ended.send("ended".into()).unwrap();
                async {}
            }),
        };
        let arguments = json_of(&remote);
        let terminal = peer.call::<Terminal>("webterm.connect", arguments).await.unwrap();
        (terminal, group)
    });

    let call = klient.next_value().await;
    assert_eq!(
        call["callbacks"],
        json!({"0": [0, "responseCallback"], "1": [0, "withArgs", 0, "remote", "output"], "2": [0, "withArgs", 0, "remote", "sessionEnded"]})
    );
    klient
        .send(r#"{"method":0,"arguments":[{"error":null,"result":{"session":""}}],"callbacks":{"1":[0,"result","close"],"2":[0,"result","controlSequence"],"3":[0,"result","input"],"4":[0,"result","setSize"],"5":[0,"result","terminate"]}}"#)
        .await;
    let (terminal, _group) = soon(connect).await.unwrap();
    terminal.set_size.call((100, 30)).await.unwrap();
    terminal.input.call("stty size; …").await.unwrap();
    terminal.control_sequence.call("\r").await.unwrap();
    terminal.close.call(()).await.unwrap();
    terminal.terminate.try_call(()).unwrap();

    assert_eq!(terminal.session, "");
    klient.expect(r#"{"method":4,"arguments":[100,30],"callbacks":{}}"#).await;
    klient.expect(r#"{"method":3,"arguments":["stty size; …"],"callbacks":{}}"#).await;
    klient.expect(r#"{"method":2,"arguments":["\r"],"callbacks":{}}"#).await;
    klient.expect(r#"{"method":1,"arguments":[],"callbacks":{}}"#).await;
    klient.expect(r#"{"method":5,"arguments":[],"callbacks":{}}"#).await;
    klient.send(r#"{"method":1,"arguments":["30 100\r\n"]}"#).await;
    klient.send(r#"{"method":2,"arguments":[]}"#).await;
    assert_eq!(soon(output.recv()).await.unwrap(), "30 100\r\n");
    assert_eq!(soon(output.recv()).await.unwrap(), "ended");
}

/// The arguments of `webterm.connect`.
fn json_of(remote: &Remote) -> impl Serialize + '_ {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Connect<'a> {
        remote: &'a Remote,
        session: &'static str,
        size_x: u16,
        size_y: u16,
        mode: &'static str,
    }
    Connect { remote, session: "", size_x: 80, size_y: 24, mode: "noscreen" }
}

#[tokio::test]
async fn a_call_without_a_response_callback_is_not_answered() {
    let mut js = Hand::to(&math(Arc::default()));

    js.send(r#"{"method":"boom","arguments":[{"withArgs":[]}]}"#).await;
    js.send(r#"{"method":"nosuch","arguments":[{"withArgs":[]}]}"#).await;

    // What comes next is the answer to the next call.
    assert_eq!(js.call("kite.ping", "[1,2,3]").await["result"], "pong");
}

#[tokio::test]
async fn a_method_that_is_a_number_in_quotes_is_a_name() {
    let mut js = Hand::to(&math(Arc::default()));

    assert_eq!(js.call("0", "[]").await["error"]["message"], "Method not found: 0");
}

#[tokio::test]
async fn a_call_that_is_none_is_answered_where_an_answer_can_go() {
    let mut js = Hand::to(&math(Arc::default()));
    let calls = [
        r#"{"method":"square","arguments":[],"callbacks":{"1":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{},5],"callbacks":{"1":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{"kite":5}],"callbacks":{"1":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{"authentication":{"type":"token"}}],"callbacks":{"1":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{"a":1,"a":2}],"callbacks":{"1":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{"withArgs":[5]}],"callbacks":{"1":["0","responseCallback"],"2":["0","withArgs","0","x"]}}"#,
    ];
    for call in calls {
        js.send(call).await;
        let answer = js.next_value().await;
        assert_eq!(answer["method"], 1, "{call}");
        assert_eq!(answer["arguments"][0]["error"]["type"], "argumentError", "{call}");
    }
}
