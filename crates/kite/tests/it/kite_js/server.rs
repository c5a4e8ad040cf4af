//! kite.js as the client.

use kite::error::kind;
use serde_json::{Value, json};
use testkit::kite_js::{Driver, Thrown};

use super::{Stand, WAYS, driver, soon};

fn thrown(kind: &str, message: &str, code: &str) -> Thrown {
    Thrown { kind: kind.to_owned(), message: message.to_owned(), code: code.to_owned() }
}

/// A kite of kite.js, connected to the stand; it is called like the way it took.
async fn connect(driver: &mut Driver, stand: &Stand, way: (&str, &'static str)) -> &'static str {
    connect_with(driver, stand, way, json!({})).await
}

async fn connect_with(
    driver: &mut Driver,
    stand: &Stand,
    (scheme, transport): (&str, &'static str),
    more: Value,
) -> &'static str {
    let name = if transport.is_empty() { "raw" } else { transport };
    let mut wish =
        json!({"do": "kite", "as": name, "url": format!("{scheme}://{}", stand.url), "transport": transport});
    for (key, value) in more.as_object().unwrap() {
        wish[key] = value.clone();
    }
    driver.ask(wish).await.unwrap();
    name
}

#[tokio::test]
async fn it_calls_with_arguments_of_every_form() {
    let Some(mut driver) = driver() else { return };
    let stand = Stand::start().await;

    for way in WAYS {
        let kite = connect(&mut driver, &stand, way).await;
        for (method, arguments, result) in [
            ("kite.ping", Value::Null, json!("pong")),
            ("kite.ping", json!([]), json!("pong")),
            ("square", json!(5), json!(25)),
            ("square", json!([5]), json!(25)),
            ("sum", json!([1, 2]), json!(3)),
            ("mirror", json!("bare"), json!(["bare"])),
            ("mirror", json!({"bare": [1]}), json!([{"bare": [1]}])),
            (
                "mirror",
                json!(["é\u{2028}\u{1}😀", null, [[]], {}]),
                json!(["é\u{2028}\u{1}😀", null, [[]], {}]),
            ),
            ("mirror", json!(["x".repeat(300_000)]), json!(["x".repeat(300_000)])),
            ("nothing", json!([]), Value::Null),
        ] {
            assert_eq!(driver.tell(kite, method, arguments).await, Ok(result), "{kite} {method}");
        }
    }
    stand.end().await;
}

#[tokio::test]
async fn it_gets_errors_with_their_type_and_code() {
    let Some(mut driver) = driver() else { return };
    let stand = Stand::start().await;

    for way in WAYS {
        let kite = connect(&mut driver, &stand, way).await;
        for (method, arguments, error) in [
            ("boom", json!([]), thrown("customType", "boom happened", "42")),
            ("nosuch", json!([]), thrown(kind::METHOD_NOT_FOUND, "Method not found: nosuch", "")),
            ("constructor", json!([]), thrown(kind::METHOD_NOT_FOUND, "Method not found: constructor", "")),
        ] {
            assert_eq!(driver.tell(kite, method, arguments).await, Err(error), "{kite}");
        }
        let wrong = driver.tell(kite, "square", json!(["five"])).await.unwrap_err();
        assert_eq!(wrong.kind, kind::ARGUMENT, "{wrong:?}");
        let fault = driver.tell(kite, "panic", json!([])).await.unwrap_err();
        assert_eq!(fault.kind, kind::INTERNAL);
        assert!(!fault.message.contains("secret"), "{fault:?}");
        assert_eq!(driver.tell(kite, "square", json!(2)).await, Ok(json!(4)), "the connection goes on");
    }
    stand.end().await;
}

#[tokio::test]
async fn its_functions_are_called_in_order_and_before_the_answer() {
    let Some(mut driver) = driver() else { return };
    let mut stand = Stand::start().await;

    for way in WAYS {
        let kite = connect(&mut driver, &stand, way).await;
        let items = json!([{"n": 200, "onItem": {"$event": "item"}}]);
        let result = driver.tell(kite, "stream", items).await.unwrap();

        let expected: Vec<Value> = (1..=200).map(|n| json!([{"n": n}, "and more"])).collect();
        assert_eq!(driver.came("item"), expected, "{kite}");
        assert_eq!(result["n"], 200);
        driver.invoke(&result["stop"], json!(["bye", {"twice": true}])).await;
        assert_eq!(soon(stand.told.recv()).await.unwrap(), r#"["bye",{"twice":true}]"#);
        driver.invoke(&result["stop"], json!([])).await;
        assert_eq!(soon(stand.told.recv()).await.unwrap(), "[]", "a function is good more than once");
    }
    stand.end().await;
}

#[tokio::test]
async fn it_is_called_back_and_may_answer_in_both_forms_and_only_once() {
    let Some(mut driver) = driver() else { return };
    let stand = Stand::start().await;

    for way in WAYS {
        let kite = connect(&mut driver, &stand, way).await;
        let mut ask = async |method: &str, argument: Value| {
            driver.tell(kite, "askBack", json!([method, argument])).await
        };
        assert_eq!(ask("greet", json!("world")).await, Ok(json!("hello world")), "{kite}");
        assert_eq!(ask("greetInOne", json!("world")).await, Ok(json!("hello world")), "{kite}");
        assert_eq!(ask("square", json!(3)).await, Ok(json!(9)), "{kite}");
        let error = ask("boom", json!(null)).await.unwrap_err();
        assert_eq!(error, thrown("boomError", "boom happened", "42"), "{kite}");
        assert_eq!(driver.tell(kite, "askStop", json!([])).await, Ok(Value::Null), "{kite}");
        assert_eq!(driver.event(&format!("{kite}.stopped")).await, json!(["bye", 1]));
        let answers = driver.tell(kite, "askTwice", json!([])).await;
        assert_eq!(answers, Ok(json!(["first", 9])), "{kite}: the second answer is ignored");
    }
    stand.end().await;
}

#[tokio::test]
async fn it_is_let_in_with_a_good_token_only_and_not_too_often() {
    let Some(mut driver) = driver() else { return };
    let stand = Stand::start().await;

    for (number, way) in WAYS.into_iter().enumerate() {
        let kite = connect(&mut driver, &stand, way).await;
        let refused = driver.tell(kite, "who", json!([])).await.unwrap_err();
        let sentence = "No authentication information is provided";
        assert_eq!(refused, thrown(kind::AUTHENTICATION, sentence, ""), "{kite}");

        for (kind, key, sentence) in
            [("token", "mallory", "token is not valid"), ("bogus", "x", "Unknown authentication type: bogus")]
        {
            let auth = json!({"auth": {"type": kind, "key": key}});
            let kite = connect_with(&mut driver, &stand, way, auth).await;
            let refused = driver.tell(kite, "who", json!([])).await;
            assert_eq!(refused, Err(thrown(kind::AUTHENTICATION, sentence, "")), "{kite}");
        }

        // What it says of itself does not matter, and neither does a token that is set later.
        let auth = json!({"auth": {"type": "token", "key": "mallory"}, "username": "alice"});
        let kite = connect_with(&mut driver, &stand, way, auth).await;
        driver.ask(json!({"do": "setToken", "kite": kite, "token": "bob"})).await.unwrap();
        assert_eq!(driver.tell(kite, "who", json!([])).await, Ok(json!("bob")), "{kite}");

        // The rate is the user's, over all connections.
        let mut seldom = Vec::new();
        for _ in 0..3 {
            seldom.push(driver.tell(kite, "seldom", json!([])).await);
        }
        let limited = thrown(kind::RATE_LIMITED, "The maximum request rate is exceeded.", "");
        let allowed = if number == 0 { 2 } else { 0 };
        assert_eq!(seldom.iter().filter(|answer| **answer == Ok(json!(true))).count(), allowed, "{seldom:?}");
        assert_eq!(seldom[2], Err(limited), "{kite}");
    }
    stand.end().await;
}

#[tokio::test]
async fn it_comes_back_when_the_server_was_gone() {
    let Some(mut driver) = driver() else { return };
    let stand = Stand::start().await;
    let mut names = Vec::new();
    for way in WAYS {
        let auth = json!({"auth": {"type": "token", "key": "bob"}, "reconnect": true});
        let kite = connect_with(&mut driver, &stand, way, auth).await;
        driver.event(&format!("{kite}.open")).await;
        names.push(kite);
    }

    let address = stand.address;
    stand.end().await;
    for kite in &names {
        driver.event(&format!("{kite}.close")).await;
    }
    let stand = Stand::at(address).await;

    for kite in names {
        driver.event(&format!("{kite}.open")).await;
        assert_eq!(driver.tell(kite, "who", json!([])).await, Ok(json!("bob")), "{kite}");
    }
    stand.end().await;
}

#[tokio::test]
async fn it_learns_that_it_is_closed() {
    let Some(mut driver) = driver() else { return };
    let stand = Stand::start().await;

    for way in WAYS {
        let kite = connect(&mut driver, &stand, way).await;
        driver.begin(json!({"do": "tell", "kite": kite, "method": "goAway", "arguments": []})).await;

        let closed = driver.event(&format!("{kite}.close")).await;

        let code = if kite == "raw" { 1000 } else { 3000 };
        assert_eq!(closed[0], code, "{kite} {closed}");
    }
    stand.end().await;
}
