//! Reading messages: shapes, paths and limits.

use serde_json::json;

use super::*;
use crate::limits::Limits;

fn parse(text: &str) -> Result<Message, MessageError> {
    Message::parse(text, &Limits::default())
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn arguments(text: &str) -> Value {
    Value::Array(parse(text).unwrap().arguments)
}

#[test]
fn what_is_left_out_is_empty() {
    let message = parse(r#"{"method":0}"#).unwrap();

    assert_eq!(
        message,
        Message { method: Method::Callback(0), arguments: vec![], callbacks: BTreeMap::new() }
    );
    assert_eq!(parse(r#"{"method":0,"arguments":null,"callbacks":null,"links":[]}"#).unwrap(), message);
}

#[test]
fn a_method_is_a_name_or_a_whole_number() {
    assert_eq!(parse(r#"{"method":"0"}"#).unwrap().method, Method::Name("0".into()));
    for method in ["-1", "1.5", "1.0", "null", "true", "[]", "{}", "1e400", "99999999999999999999999"] {
        let fault = refused(&format!(r#"{{"method":{method}}}"#));
        assert!(fault.starts_with("the message cannot be read: "), "{method}: {fault}");
    }
    assert!(refused("{}").contains("missing field `method`"));
    assert!(refused(&format!(r#"{{"method":"{}"}}"#, "m".repeat(257))).contains("256 bytes"));
}

#[test]
fn what_is_not_one_object_is_refused() {
    for text in ["", "5", "[]", "null", "{", r#"{"method":0}{"method":0}"#, r#"{"method":0}x"#, "\u{feff}{}"]
    {
        assert!(matches!(parse(text), Err(MessageError::Malformed(_))), "{text}");
    }
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let twice = [
        r#"{"method":0,"method":1}"#,
        r#"{"method":0,"arguments":[],"arguments":[]}"#,
        r#"{"method":0,"callbacks":{},"callbacks":{}}"#,
        r#"{"method":0,"arguments":[{"a":1,"a":2}]}"#,
        r#"{"method":0,"arguments":["[Function]"],"callbacks":{"1":[0],"1":[0]}}"#,
    ];
    for text in twice {
        assert!(refused(text).contains("twice"), "{text}");
    }
}

#[test]
fn ids_of_functions_are_written_one_way_only() {
    for id in ["", "-1", "+1", "01", "1.0", "a", "18446744073709551616"] {
        let text = format!(r#"{{"method":0,"arguments":[0],"callbacks":{{"{id}":[0]}}}}"#);
        assert!(refused(&text).contains("not a whole number"), "{id}");
    }
}

#[test]
fn a_function_without_an_id_is_a_text() {
    let message = parse(r#"{"method":0,"arguments":["[Function]"]}"#).unwrap();

    assert_eq!(message.arguments, [json!("[Function]")]);
    assert!(message.callbacks.is_empty());
}

#[test]
fn both_kinds_of_paths_lead_to_the_same_place() {
    let text = r#"{"method":0,"arguments":[{"a":["[Function]","[Function]"]}],"callbacks":{"3":["0","a","0"],"4":[0,"a",1]}}"#;
    let message = parse(text).unwrap();

    for path in message.callbacks.values() {
        assert_eq!(find(&message.arguments, path), Some(&json!("[Function]")));
    }
    assert_eq!(message.to_text(), text.to_owned());
}

#[test]
fn members_that_only_callbacks_name_are_made() {
    let made = |path: &str, before: &str| {
        arguments(&format!(r#"{{"method":0,"arguments":{before},"callbacks":{{"1":{path}}}}}"#))
    };

    assert_eq!(
        made(r#"[0,"result","stop"]"#, r#"[{"result":{"n":2}}]"#),
        json!([{"result": {"n": 2, "stop": FUNCTION}}])
    );
    assert_eq!(made(r#"[0,"result","stop"]"#, "[]"), json!([{"result": {"stop": FUNCTION}}]));
    assert_eq!(made("[1,2]", "[0]"), json!([0, [null, null, FUNCTION]]));
    assert_eq!(made(r#"["2"]"#, "[]"), json!([null, null, FUNCTION]));
    assert_eq!(made(r#"[0,"1"]"#, r#"[{"1":5}]"#), json!([{"1": FUNCTION}]));
    assert_eq!(made("[0,1]", r#"[{"1":null}]"#), json!([{"1": FUNCTION}]));
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    let refused = |path: &str| {
        refused(&format!(
            r#"{{"method":0,"arguments":[{{"a":5,"o":{{}},"l":[]}}],"callbacks":{{"7":{path}}}}}"#
        ))
    };

    assert_eq!(refused("[]"), "the path to function 7 is empty");
    assert_eq!(refused(r#"[0,"a","b"]"#), "the path to function 7 leads through a value that has no members");
    assert_eq!(refused(r#"["x"]"#), "the path to function 7 has a name where an array's place is expected");
    assert_eq!(
        refused(r#"[0,"l","01"]"#),
        "the path to function 7 has a name where an array's place is expected"
    );
    assert_eq!(refused(r#"[0,"o"]"#), "the path to function 7 names a value that has members");
    assert_eq!(refused("[1024]"), "the path to function 7 lies too far behind the end of an array");
    assert_eq!(
        refused("[18446744073709551615]"),
        "the path to function 7 lies too far behind the end of an array"
    );
    assert!(refused("[1.5]").starts_with("the message cannot be read: "));
    assert!(refused("[-1]").starts_with("the message cannot be read: "));
    assert!(refused("5").starts_with("the message cannot be read: "));
}

#[test]
fn a_function_within_a_function_is_refused() {
    let text = r#"{"method":0,"arguments":[],"callbacks":{"1":[0],"2":[0,"inner"]}}"#;

    assert_eq!(refused(text), "the path to function 2 leads through a value that has no members");
}

#[test]
fn every_limit_is_kept() {
    let limits = Limits {
        message_bytes: 400,
        message_memory: 2000,
        depth: 4,
        callbacks_per_message: 2,
        path_elements: 3,
        ..Limits::default()
    };
    let parse = |text: &str| Message::parse(text, &limits);
    let nested =
        |levels: usize| format!(r#"{{"method":0,"arguments":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let functions = |count: u64| {
        let paths: Vec<_> = (0..count).map(|id| format!(r#""{id}":[{id}]"#)).collect();
        format!(r#"{{"method":0,"callbacks":{{{}}}}}"#, paths.join(","))
    };

    assert_eq!(parse(&format!(r#"{{"method":"{}"}}"#, "x".repeat(400))), Err(MessageError::TooLong(400)));
    assert!(parse(&nested(4)).is_ok());
    assert_eq!(parse(&nested(5)), Err(MessageError::TooDeep(4)));
    assert!(parse(&functions(2)).is_ok());
    assert_eq!(parse(&functions(3)), Err(MessageError::TooManyCallbacks(2)));
    assert_eq!(parse(r#"{"method":0,"callbacks":{"0":[0,1,2,3]}}"#), Err(MessageError::PathTooLong(3)));
    assert_eq!(
        parse(&format!(r#"{{"method":0,"arguments":[{}1]}}"#, "1,".repeat(100))),
        Err(MessageError::TooManyValues)
    );
    assert_eq!(parse(r#"{"method":0,"arguments":[{"":{"":{"":0}}}]}"#), Err(MessageError::TooManyValues));
    assert_eq!(parse(r#"{"method":0,"callbacks":{"0":[900]}}"#), Err(MessageError::TooManyValues));
}

#[test]
fn nesting_beyond_every_limit_is_an_error_and_not_an_overflow() {
    let text = format!(r#"{{"method":0,"arguments":{}"#, "[".repeat(1_000_000));
    let ignored = format!(r#"{{"method":0,"links":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));

    assert_eq!(parse(&text), Err(MessageError::TooDeep(64)));
    assert!(parse(&ignored).is_ok());
}

#[test]
fn the_answer_to_a_message_that_was_not_taken_finds_its_way() {
    let limits = Limits { depth: 2, ..Limits::default() };
    let text = r#"{"method":"m","arguments":[{"withArgs":[[[]]]}],"callbacks":{"3":["0","withArgs","0"],"4":["0","responseCallback"]}}"#;

    assert_eq!(Message::parse(text, &limits), Err(MessageError::TooDeep(2)));
    assert_eq!(answerable(text, &limits), Some(4));
    let many: Vec<_> = (0..300).map(|id| format!(r#""{id}":[0,"withArgs",{id}]"#)).collect();
    let many = format!(r#"{{"method":"m","callbacks":{{{},"300":[0,"responseCallback"]}}}}"#, many.join(","));
    assert_eq!(parse(&many), Err(MessageError::TooManyCallbacks(256)));
    assert_eq!(answerable(&many, &Limits::default()), Some(300));
    assert_eq!(answerable(r#"{"method":"m"}"#, &limits), None);
    assert_eq!(answerable("nonsense", &limits), None);
}
