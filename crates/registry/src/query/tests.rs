use proptest::prelude::*;
use serde_json::json;

use super::*;

fn a_kite() -> Kite {
    Kite {
        id: "6ca5".into(),
        username: "alice".into(),
        environment: "dev".into(),
        name: "math".into(),
        version: "1.2.3".into(),
        region: "eu".into(),
        hostname: "vm".into(),
    }
}

fn finds(query: &Value) -> bool {
    Query::parse(query).unwrap().matches(&a_kite())
}

#[test]
fn given_fields_must_all_be_equal_and_others_may_be_left_out() {
    assert!(finds(&json!({"username": "alice", "environment": "dev", "name": "math"})));
    assert!(finds(&json!({"username": "alice", "name": "math"})));
    assert!(finds(&json!({"id": "6ca5"})));
    assert!(finds(
        &json!({"hostname": "vm", "region": "eu", "environment": "", "name": null, "who": {"id": 1}})
    ));
    assert!(!finds(&json!({"username": "alice", "name": "other"})));
    assert!(!finds(&json!({"username": "Alice"})));
    assert!(!finds(&json!({"id": "6ca5", "hostname": "other"})));
}

#[test]
fn a_version_may_be_a_constraint() {
    for version in ["1.2.3", ">= 1.0, < 2.0", "~> 1.2", "1.x", "*", "!= 2.0"] {
        assert!(finds(&json!({"name": "math", "version": version})), "{version}");
    }
    for version in ["1.2", "v1.2.3", "> 2", "2.x", "!= 1.2.3"] {
        assert!(!finds(&json!({"name": "math", "version": version})), "{version}");
    }
}

#[test]
fn what_is_no_query_is_refused_with_the_reason() {
    let refusal = |value: Value| Query::parse(&value).unwrap_err().sentence();

    assert!(refusal(json!(null)).starts_with("query is missing: "));
    assert!(refusal(json!("alice")).starts_with("query is missing: "));
    assert!(refusal(json!({})).starts_with("all query fields are empty: "));
    assert!(refusal(json!({"username": "", "other": "x"})).starts_with("all query fields are empty: "));
    assert_eq!(refusal(json!({"username": 5})), "the query's field `username` is not a text");
    assert_eq!(refusal(json!({"id": "x".repeat(513)})), "the query's field `id` is longer than 512 bytes");
    assert!(refusal(json!({"version": ">= one"})).contains("`>= one` is no version"));
}

proptest! {
    #[test]
    fn no_value_makes_the_reader_fall_over(fields in prop::collection::hash_map(
        "(username|environment|name|version|region|hostname|id|x)",
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[<>=~^!,.x*0-9 ]{0,12}".prop_map(Value::from),
        ],
        0..7,
    )) {
        let value = Value::Object(fields.into_iter().collect());
        if let Ok(query) = Query::parse(&value) {
            let _matches = query.matches(&a_kite());
        }
    }
}
