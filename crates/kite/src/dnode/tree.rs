//! Reads JSON values with a limit on depth and memory, and refuses members that are there twice.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a value takes in an array, in bytes.
pub(super) const VALUE_MEMORY: usize = size_of::<Value>();

/// What an object with a first member takes beside that member: a B-tree's node has room for eleven.
pub(super) const MAP_MEMORY: usize = 640;

/// What is left of the limits on one message, and which of them was reached.
pub(super) struct Budget {
    memory: Cell<usize>,
    depth: usize,
    exceeded: Cell<Option<Exceeded>>,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    Memory,
    Depth,
    Callbacks,
    PathElements,
}

impl Budget {
    pub(super) fn new(memory: usize, depth: usize) -> Self {
        Self { memory: Cell::new(memory), depth, exceeded: Cell::new(None) }
    }

    /// Takes memory out of the budget.
    pub(super) fn take(&self, bytes: usize) -> Result<(), &'static str> {
        match self.memory.get().checked_sub(bytes) {
            Some(left) => {
                self.memory.set(left);
                Ok(())
            }
            None => Err(self.exceed(Exceeded::Memory)),
        }
    }

    /// Remembers a limit that was reached, because an error of serde is only a text.
    pub(super) fn exceed(&self, limit: Exceeded) -> &'static str {
        self.exceeded.set(Some(limit));
        "a limit was reached"
    }

    pub(super) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    pub(super) fn left(&self) -> usize {
        self.memory.get()
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Tree<'b> {
    budget: &'b Budget,
    /// Levels that may still be opened.
    levels: usize,
}

/// Reads an array of values; `null` is an empty one.
pub(super) struct Values<'b>(pub(super) &'b Budget);

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of arguments")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Vec<Value>, E> {
        Ok(vec![])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<Value>, A::Error> {
        Tree { budget: self.0, levels: self.0.depth }.items(items)
    }
}

impl<'b> Tree<'b> {
    fn deeper<E: serde::de::Error>(self) -> Result<Tree<'b>, E> {
        let levels =
            self.levels.checked_sub(1).ok_or_else(|| E::custom(self.budget.exceed(Exceeded::Depth)))?;
        Ok(Tree { levels, ..self })
    }

    fn items<'de, A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Value>, A::Error> {
        let inner = self.deeper()?;
        let mut values = vec![];
        while let Some(value) = items.next_element_seed(inner)? {
            self.budget.take(VALUE_MEMORY).map_err(A::Error::custom)?;
            values.push(value);
        }
        Ok(values)
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.budget.take(text.len()).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.text(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        self.text(&text)?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value, A::Error> {
        self.items(items).map(Value::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let first = if map.is_empty() { MAP_MEMORY } else { 0 };
            self.budget.take(first + 2 * VALUE_MEMORY + name.len()).map_err(A::Error::custom)?;
            let value = members.next_value_seed(inner)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("an object has the same member twice"));
            }
        }
        Ok(Value::Object(map))
    }
}
