//! Properties of reading messages: nothing panics, no limit is exceeded, and writing loses nothing.

use std::collections::BTreeMap;

use kite::Limits;
use kite::dnode::{FUNCTION, Message, MessageError, Method, PathElement};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn small() -> Limits {
    Limits {
        message_bytes: 4096,
        message_memory: 64 << 10,
        depth: 8,
        callbacks_per_message: 4,
        path_elements: 6,
        array_growth: 8,
        ..Limits::default()
    }
}

fn a_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Fractions of eight, which every reader of JSON takes alike.
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        ".{0,8}".prop_map(Value::String),
        Just(Value::String(FUNCTION.into())),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map(a_name(), inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn a_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", "[0-3]", ".{0,3}", Just("withArgs".to_owned())]
}

fn a_step() -> impl Strategy<Value = PathElement> {
    prop_oneof![(0..10_u64).prop_map(PathElement::Index), a_name().prop_map(PathElement::Key)]
}

fn a_method() -> impl Strategy<Value = Method> {
    prop_oneof![any::<u64>().prop_map(Method::Callback), ".{0,20}".prop_map(Method::Name)]
}

/// Messages as somebody may write them: paths lead anywhere.
fn a_message() -> impl Strategy<Value = Message> {
    (a_method(), vec(a_value(), 0..3), btree_map(any::<u64>(), vec(a_step(), 0..7), 0..5))
        .prop_map(|(method, arguments, callbacks)| Message { method, arguments, callbacks })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn at<'v>(arguments: &'v [Value], path: &[PathElement]) -> Option<&'v Value> {
    let index = |step: &PathElement| match step {
        PathElement::Index(index) => usize::try_from(*index).ok(),
        PathElement::Key(text) => text.parse().ok(),
    };
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(arguments.get(index(first)?)?, |value, step| match (value, step) {
        (Value::Array(items), step) => items.get(index(step)?),
        (Value::Object(members), PathElement::Key(name)) => members.get(name),
        (Value::Object(members), PathElement::Index(index)) => members.get(&index.to_string()),
        _ => None,
    })
}

/// What holds for every message that was taken.
fn check(message: &Message, limits: &Limits) {
    assert!(message.callbacks.len() <= limits.callbacks_per_message);
    assert!(message.arguments.iter().map(depth).max().unwrap_or_default() < limits.depth);
    for path in message.callbacks.values() {
        assert!(path.len() <= limits.path_elements);
        assert_eq!(at(&message.arguments, path), Some(&Value::String(FUNCTION.into())), "{path:?}");
    }
    assert_eq!(Message::parse(&message.to_text(), limits).as_ref(), Ok(message));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_message_that_is_taken_keeps_every_limit(message in a_message()) {
        let limits = small();
        match Message::parse(&message.to_text(), &limits) {
            Ok(taken) => {
                prop_assert_eq!(&taken.method, &message.method);
                prop_assert_eq!(&taken.callbacks, &message.callbacks);
                check(&taken, &limits);
            }
            Err(fault) => prop_assert!(!message.callbacks.is_empty() || fault != MessageError::TooManyValues, "{fault}"),
        }
    }

    #[test]
    fn a_message_without_paths_is_taken_as_it_is(method in a_method(), arguments in vec(a_value(), 0..3)) {
        let message = Message { method, arguments, callbacks: BTreeMap::new() };

        prop_assert_eq!(Message::parse(&message.to_text(), &Limits::default()), Ok(message));
    }

    #[test]
    fn random_text_is_an_error(text in ".{0,200}") {
        prop_assert!(Message::parse(&text, &small()).is_err());
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(message) = Message::parse(&text, &small()) {
            check(&message, &small());
        }
    }

    #[test]
    fn random_json_is_read_without_harm(value in a_value(), name in a_name()) {
        for text in [value.to_string(), json!({"method": 1, name.as_str(): value}).to_string()] {
            if let Ok(message) = Message::parse(&text, &small()) {
                check(&message, &small());
            }
        }
    }

    #[test]
    fn members_of_any_type_are_read_without_harm(method in a_value(), arguments in a_value(), callbacks in a_value()) {
        let text = json!({"method": method, "arguments": arguments, "callbacks": callbacks, "links": 5}).to_string();
        if let Ok(message) = Message::parse(&text, &small()) {
            check(&message, &small());
        }
    }

    #[test]
    fn mutations_of_messages_are_read_without_harm(
        message in a_message(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut bytes = message.to_text().into_bytes();
        for (place, byte, kind) in changes {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => drop(bytes.remove(place)),
                _ => bytes.truncate(place.max(1)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(message) = Message::parse(&text, &small()) {
            check(&message, &small());
        }
    }
}

#[test]
fn a_message_of_many_small_values_stays_within_its_memory() {
    let limits = Limits { message_memory: 1 << 20, ..Limits::default() };
    let objects = format!(r#"{{"method":0,"arguments":[{}0]}}"#, r#"{"":0},"#.repeat(100_000));
    let numbers = format!(r#"{{"method":0,"arguments":[{}0]}}"#, "0,".repeat(1_000_000));
    let growing: Map<_, _> = (0..256).map(|id| (id.to_string(), json!([id, 1023, 1023, 1023]))).collect();
    let growing = json!({"method": 0, "callbacks": growing}).to_string();

    for text in [objects, numbers, growing] {
        assert_eq!(Message::parse(&text, &limits), Err(MessageError::TooManyValues));
    }
}
