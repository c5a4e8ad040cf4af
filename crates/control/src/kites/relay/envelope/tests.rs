use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn call(text: &str) -> Box<Call<'_>> {
    match Message::read(text).unwrap() {
        Message::Call(call) => call,
        Message::Invocation(text) => panic!("no call: {text}"),
    }
}

fn as_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// As kite.js sends it.
fn message() -> Value {
    json!({
        "method": "fs.readFile",
        "arguments": [{
            "kite": {"id": "1", "username": "somebody", "environment": "e", "name": "n", "version": "1.0.0",
                "region": "r", "hostname": "h"},
            "authentication": {"type": "token", "key": "eyJ.secret"},
            "withArgs": [{"path": "/etc/hosts", "big": 12_345_678_901_234_567_890_u64}],
            "responseCallback": "[Function]",
        }],
        "callbacks": {"7": ["0", "withArgs", "0", "onData"], "8": ["0", "responseCallback"]},
        "links": [],
    })
}

#[test]
fn the_credential_stays_behind_and_the_name_is_the_verified_one() {
    let text = message().to_string();
    let call = call(&text);
    assert_eq!((&*call.method, call.authentication.as_ref().unwrap().kind()), ("fs.readFile", "token"));
    assert_eq!(call.authentication.as_ref().unwrap().expose(), "eyJ.secret");

    let forwarded = as_json(&call.on_behalf_of("ada"));

    let mut expected = message();
    expected["arguments"][0]["kite"]["username"] = json!("ada");
    expected["arguments"][0].as_object_mut().unwrap().remove("authentication");
    expected.as_object_mut().unwrap().remove("links");
    assert_eq!(forwarded, expected);
}

#[test]
fn a_credential_in_another_place_stays_behind_too() {
    let text = json!({
        "method": "exec",
        "authentication": {"type": "token", "key": "eyJ.secret"},
        "arguments": [
            {"Authentication": {"key": "eyJ.secret"}, "auth": "eyJ.secret", "withArgs": []},
            {"authentication": {"key": "eyJ.secret"}},
        ],
    })
    .to_string();

    let forwarded = call(&text).on_behalf_of("ada");

    assert!(!forwarded.contains("secret"), "{forwarded}");
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    for text in [
        r#"{"method":"a","method":1}"#,
        r#"{"method":1,"method":"a"}"#,
        r#"{"method":"a","arguments":[],"arguments":[]}"#,
        r#"{"method":"a","arguments":[{"authentication":null,"authentication":null}]}"#,
        r#"{"method":"a","arguments":[{"kite":{"id":"1","id":"2"}}]}"#,
        r#"{"method":"a","arguments":[{"withArgs":[],"withArgs":[]}]}"#,
        r#"{"method":"a","callbacks":{},"callbacks":{}}"#,
    ] {
        assert!(Message::read(text).is_err(), "{text}");
    }
}

#[test]
fn what_calls_a_function_passes_as_it_is() {
    let text =
        r#"{ "method": 3, "arguments": [ 1.50, "[Function]" ], "callbacks": {"0": [1]}, "links": [] }"#;

    let Message::Invocation(forwarded) = Message::read(text).unwrap() else { panic!("no invocation") };

    assert_eq!(forwarded, r#"{"method":3,"arguments":[ 1.50, "[Function]" ],"callbacks":{"0": [1]}}"#);
}

#[test]
fn a_refusal_goes_to_the_response_callback_however_its_place_is_written() {
    let error = Error::authentication("no");
    for (callbacks, expected) in [
        (json!({"5": [0, "responseCallback"]}), Some(5)),
        (json!({"4": ["0", "withArgs"], "5": ["0", "responseCallback"]}), Some(5)),
        (json!({"5": ["1", "responseCallback"]}), None),
        (json!({"5": [0, "withArgs", "responseCallback"]}), None),
        (json!({"x": [0, "responseCallback"]}), None),
        (json!({}), None),
        (json!([]), None),
    ] {
        let text = json!({"method": "a", "arguments": [{}], "callbacks": callbacks}).to_string();

        let refusal = call(&text).refusal(&error);

        let method = refusal.map(|text| as_json(&text)["method"].as_u64().unwrap());
        assert_eq!(method, expected, "{callbacks}");
    }
    let text = json!({"method": "a", "callbacks": {"5": [0, "responseCallback"]}}).to_string();
    let refusal = as_json(&call(&text).refusal(&error).unwrap());
    assert_eq!(
        refusal["arguments"],
        json!([{"error": {"type": "authenticationError", "message": "no", "code": "", "id": ""}, "result": null}])
    );
    assert_eq!(
        as_json(&call(&text).result("pong").unwrap())["arguments"],
        json!([{"error": null, "result": "pong"}])
    );
}

#[test]
fn what_is_no_message_is_refused() {
    for text in [
        "",
        "5",
        "[]",
        "{}",
        r#"{"method":null}"#,
        r#"{"method":-1}"#,
        r#"{"method":1.5}"#,
        r#"{"method":"a","arguments":{}}"#,
        r#"{"method":"a","arguments":[5]}"#,
    ] {
        assert!(Message::read(text).is_err(), "{text}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("[Function]")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![
            Just("method".to_owned()),
            Just("arguments".to_owned()),
            Just("callbacks".to_owned()),
            Just("authentication".to_owned()),
            Just("kite".to_owned()),
            Just("withArgs".to_owned()),
            ".{0,6}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(name, inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        drop(Message::read(&text));
    }

    #[test]
    fn whatever_is_read_is_forwarded_as_json_without_its_credential(
        method in prop_oneof![any::<u32>().prop_map(Value::from), ".{0,12}".prop_map(Value::from)],
        arguments in proptest::collection::vec(any_json(), 0..3),
        callbacks in any_json(),
    ) {
        let text = json!({"method": method, "arguments": arguments, "callbacks": callbacks}).to_string();
        match Message::read(&text) {
            Ok(Message::Call(call)) => {
                let forwarded = as_json(&call.on_behalf_of("ada"));
                prop_assert_eq!(&forwarded["method"], &method);
                prop_assert_eq!(&forwarded["arguments"][0]["kite"]["username"], "ada");
                prop_assert!(forwarded["arguments"][0].get("authentication").is_none());
                prop_assert_eq!(forwarded["arguments"].as_array().unwrap().len(), 1);
                drop(call.refusal(&Error::timeout()));
            }
            Ok(Message::Invocation(forwarded)) => {
                prop_assert_eq!(&as_json(&forwarded)["arguments"], &Value::from(arguments));
            }
            Err(_) => {}
        }
    }
}
