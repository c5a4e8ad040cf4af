//! Paths to functions, and making the members that they name.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::FUNCTION;
use super::tree::{Budget, MAP_MEMORY, VALUE_MEMORY};
use crate::limits::Limits;

/// One step of the path to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathElement {
    /// A place in an array.
    Index(u64),
    /// A member's name, or a place in an array as text, as kite.js writes it.
    Key(String),
}

/// A path from a message's arguments, or from somewhere inside, to a function.
pub(crate) type Path = Vec<PathElement>;

impl PathElement {
    /// The place in an array, however it is written.
    fn index(&self) -> Option<usize> {
        match self {
            Self::Index(index) => usize::try_from(*index).ok(),
            Self::Key(text) => canonical(text).and_then(|index| usize::try_from(index).ok()),
        }
    }

    /// The member's name, however it is written.
    fn key(&self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Key(text) => text.clone(),
        }
    }

    /// Whether it is the place `index` in an array.
    pub(crate) fn is_index(&self, index: usize) -> bool {
        self.index() == Some(index)
    }

    /// Whether it is the member `name`.
    pub(crate) fn is_key(&self, name: &str) -> bool {
        matches!(self, Self::Key(text) if text == name)
    }
}

impl Serialize for PathElement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Index(index) => serializer.serialize_u64(*index),
            Self::Key(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for PathElement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Element;

        impl Visitor<'_> for Element {
            type Value = PathElement;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a text or a whole number as a step of a path")
            }

            fn visit_u64<E: de::Error>(self, index: u64) -> Result<PathElement, E> {
                Ok(PathElement::Index(index))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PathElement, E> {
                Ok(PathElement::Key(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<PathElement, E> {
                Ok(PathElement::Key(text))
            }
        }

        deserializer.deserialize_any(Element)
    }
}

/// A whole number as it is written without a sign and without leading zeros.
pub(super) fn canonical(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// What stands at the end of a path.
pub(crate) fn find<'v>(arguments: &'v [Value], path: &[PathElement]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    let start = arguments.get(first.index()?)?;
    rest.iter().try_fold(start, |value, element| match value {
        Value::Array(items) => items.get(element.index()?),
        Value::Object(members) => match element {
            PathElement::Key(name) => members.get(name),
            PathElement::Index(_) => members.get(&element.key()),
        },
        _ => None,
    })
}

/// Puts a function where a path says it is. Absent members are made: arrays where the next step is a
/// number, else objects.
pub(super) fn place(
    arguments: &mut Vec<Value>,
    path: &[PathElement],
    limits: &Limits,
    budget: &Budget,
) -> Result<(), &'static str> {
    let (first, rest) = path.split_first().ok_or("is empty")?;
    let mut place = element(arguments, first, limits, budget)?;
    for step in rest {
        place = member(place, step, limits, budget)?;
    }
    match place {
        Value::Array(_) | Value::Object(_) => Err("names a value that has members"),
        Value::String(text) if text == FUNCTION => Ok(()),
        other => {
            budget.take(FUNCTION.len())?;
            *other = Value::String(FUNCTION.to_owned());
            Ok(())
        }
    }
}

fn member<'v>(
    value: &'v mut Value,
    step: &PathElement,
    limits: &Limits,
    budget: &Budget,
) -> Result<&'v mut Value, &'static str> {
    if value.is_null() {
        *value = match step {
            PathElement::Index(_) => Value::Array(vec![]),
            PathElement::Key(_) => Value::Object(Map::new()),
        };
    }
    match value {
        Value::Array(items) => element(items, step, limits, budget),
        Value::Object(members) => {
            let name = step.key();
            if !members.contains_key(&name) {
                budget
                    .take(if members.is_empty() { MAP_MEMORY } else { 0 } + 2 * VALUE_MEMORY + name.len())?;
            }
            Ok(members.entry(name).or_insert(Value::Null))
        }
        _ => Err("leads through a value that has no members"),
    }
}

fn element<'v>(
    items: &'v mut Vec<Value>,
    step: &PathElement,
    limits: &Limits,
    budget: &Budget,
) -> Result<&'v mut Value, &'static str> {
    let index = step.index().ok_or("has a name where an array's place is expected")?;
    if index >= items.len() {
        if index >= limits.array_growth {
            return Err("lies too far behind the end of an array");
        }
        // Twice: a vector that grows has up to twice what it needs.
        budget.take((index + 1 - items.len()) * VALUE_MEMORY * 2)?;
        items.resize(index + 1, Value::Null);
    }
    items.get_mut(index).ok_or("lies behind the end of an array")
}
