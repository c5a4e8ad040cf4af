//! Reads the text of a message.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::path::{Path, PathElement, canonical, place};
use super::tree::{Budget, Exceeded, Values};
use super::{Message, MessageError, Method};
use crate::error::clip;
use crate::limits::Limits;

/// The longest name of a method, in bytes.
const METHOD_BYTES: usize = 256;

/// A message and what it takes.
pub(crate) struct Measured {
    pub(crate) message: Message,
    /// Bytes of memory, estimated.
    pub(crate) memory: usize,
}

pub(super) fn read(text: &str, limits: &Limits) -> Result<Measured, MessageError> {
    if text.len() > limits.message_bytes {
        return Err(MessageError::TooLong(limits.message_bytes));
    }
    let budget = Budget::new(limits.message_memory, limits.depth);
    let mut message =
        parse(text, Envelope { limits, budget: &budget }).map_err(|error| fault(&error, &budget, limits))?;
    let Message { arguments, callbacks, .. } = &mut message;
    for (id, path) in callbacks {
        place(arguments, path, limits, &budget).map_err(|text| match budget.exceeded() {
            Some(_) => MessageError::TooManyValues,
            None => MessageError::Path { id: *id, fault: text },
        })?;
    }
    Ok(Measured { memory: limits.message_memory - budget.left(), message })
}

/// Where the answer to a call goes whose message could not be taken: its callbacks are read, and nothing else.
pub(crate) fn answerable(text: &str, limits: &Limits) -> Option<u64> {
    /// The one member of interest.
    struct Reply<'l>(&'l Limits, &'l Budget);

    impl<'de> Visitor<'de> for Reply<'_> {
        type Value = Option<Callbacks>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a message")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Callbacks>, A::Error> {
            let mut callbacks = None;
            while let Some(member) = members.next_key()? {
                match member {
                    Member::Callbacks => {
                        callbacks =
                            Some(members.next_value_seed(Functions { limits: self.0, budget: self.1 })?);
                    }
                    Member::Method | Member::Arguments | Member::Other => {
                        members.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(callbacks)
        }
    }

    if text.len() > limits.message_bytes {
        return None;
    }
    // The limit that was reached may be one of these; memory stays bounded.
    let limits = &Limits {
        callbacks_per_message: usize::MAX,
        path_elements: usize::MAX,
        depth: usize::MAX,
        ..limits.clone()
    };
    let budget = Budget::new(limits.message_memory, limits.depth);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let callbacks = deserializer.deserialize_map(Reply(limits, &budget)).ok()??;
    callbacks.into_iter().find(|(_, path)| is_response(path)).map(|(id, _)| id)
}

/// Whether a path is that of a call's response callback.
pub(crate) fn is_response(path: &[PathElement]) -> bool {
    matches!(path, [place, name] if place.is_index(0) && name.is_key("responseCallback"))
}

/// The sender's functions in a message.
pub(crate) type Callbacks = BTreeMap<u64, Path>;

fn parse(text: &str, envelope: Envelope<'_>) -> Result<Message, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message = deserializer.deserialize_map(envelope)?;
    deserializer.end()?;
    Ok(message)
}

fn fault(error: &serde_json::Error, budget: &Budget, limits: &Limits) -> MessageError {
    match budget.exceeded() {
        Some(Exceeded::Memory) => MessageError::TooManyValues,
        Some(Exceeded::Depth) => MessageError::TooDeep(limits.depth),
        Some(Exceeded::Callbacks) => MessageError::TooManyCallbacks(limits.callbacks_per_message),
        Some(Exceeded::PathElements) => MessageError::PathTooLong(limits.path_elements),
        None => MessageError::Malformed(clip(&error.to_string())),
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Method,
    Arguments,
    Callbacks,
    #[serde(other)]
    Other,
}

struct Envelope<'l> {
    limits: &'l Limits,
    budget: &'l Budget,
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = Message;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message: an object with `method`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Message, A::Error> {
        let Self { limits, budget } = self;
        let (mut method, mut arguments, mut callbacks) = (None, None, None);
        while let Some(member) = members.next_key()? {
            let twice = match member {
                Member::Method => method.replace(members.next_value::<Called>()?).is_some(),
                Member::Arguments => arguments.replace(members.next_value_seed(Values(budget))?).is_some(),
                Member::Callbacks => {
                    callbacks.replace(members.next_value_seed(Functions { limits, budget })?).is_some()
                }
                Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice {
                return Err(A::Error::custom("the message has the same member twice"));
            }
        }
        let Called(method) = method.ok_or_else(|| A::Error::missing_field("method"))?;
        Ok(Message {
            method,
            arguments: arguments.unwrap_or_default(),
            callbacks: callbacks.unwrap_or_default(),
        })
    }
}

struct Called(Method);

impl<'de> Deserialize<'de> for Called {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Called;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text of at most 256 bytes or a whole number as the method")
            }

            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<Called, E> {
                Ok(Called(Method::Callback(id)))
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Called, E> {
                if name.len() > METHOD_BYTES {
                    return Err(E::invalid_length(name.len(), &self));
                }
                Ok(Called(Method::Name(name.to_owned())))
            }
        }

        deserializer.deserialize_any(Name)
    }
}

/// Reads `callbacks`; `null` is none.
struct Functions<'l> {
    limits: &'l Limits,
    budget: &'l Budget,
}

impl<'de> DeserializeSeed<'de> for Functions<'_> {
    type Value = Callbacks;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Callbacks, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Functions<'_> {
    type Value = Callbacks;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of paths as the callbacks")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Callbacks, E> {
        Ok(Callbacks::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Callbacks, A::Error> {
        let mut callbacks = Callbacks::new();
        while let Some(id) = members.next_key::<String>()? {
            let id = canonical(&id)
                .ok_or_else(|| A::Error::custom("the id of a function is not a whole number"))?;
            if callbacks.len() >= self.limits.callbacks_per_message {
                return Err(A::Error::custom(self.budget.exceed(Exceeded::Callbacks)));
            }
            let path = members.next_value_seed(Steps { limits: self.limits, budget: self.budget })?;
            if callbacks.insert(id, path).is_some() {
                return Err(A::Error::custom("the id of a function is there twice"));
            }
        }
        Ok(callbacks)
    }
}

/// Reads one path.
struct Steps<'l> {
    limits: &'l Limits,
    budget: &'l Budget,
}

impl<'de> DeserializeSeed<'de> for Steps<'_> {
    type Value = Path;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Path, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Steps<'_> {
    type Value = Path;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array as the path to a function")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut steps: A) -> Result<Path, A::Error> {
        // A path makes at most as many levels as it has steps.
        let longest = self.limits.path_elements.min(self.limits.depth);
        let mut path = Path::new();
        while let Some(step) = steps.next_element::<PathElement>()? {
            if path.len() >= longest {
                return Err(A::Error::custom(self.budget.exceed(Exceeded::PathElements)));
            }
            let text = if let PathElement::Key(text) = &step { text.len() } else { 0 };
            self.budget.take(size_of::<PathElement>() + text).map_err(A::Error::custom)?;
            path.push(step);
        }
        Ok(path)
    }
}
