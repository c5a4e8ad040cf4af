//! What a client sends: a JSON array of strings.

use std::fmt;

use serde::de::{Deserializer as _, SeqAccess, Visitor};

use super::frame::quote;

/// Why a client's batch is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    /// Nothing, or not an array of strings. The words are those of the SockJS protocol.
    #[error("Payload expected.")]
    Missing,
    /// Not JSON.
    #[error("Broken JSON encoding.")]
    Broken,
    /// More messages than one batch may have.
    #[error("Too many messages.")]
    TooMany,
}

/// Reads a client's batch of at most `max_messages` messages.
pub(crate) fn read_batch(text: &str, max_messages: usize) -> Result<Vec<String>, BatchError> {
    if text.is_empty() {
        return Err(BatchError::Missing);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut is_full = false;
    let read = reader.deserialize_seq(Strings { max: max_messages, is_full: &mut is_full });
    let read = read.and_then(|messages| reader.end().map(|()| messages));
    match read {
        Ok(messages) => Ok(messages),
        Err(_) if is_full => Err(BatchError::TooMany),
        Err(error) if error.is_data() => Err(BatchError::Missing),
        Err(_) => Err(BatchError::Broken),
    }
}

/// Writes a batch as a client sends it.
pub(crate) fn write_batch<'a>(messages: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (index, message) in messages.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&quote(message));
    }
    text.push(']');
    text
}

/// Counts while it reads: an array of a million empty strings must not become a million allocations.
struct Strings<'a> {
    max: usize,
    is_full: &'a mut bool,
}

impl<'de> Visitor<'de> for Strings<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = items.next_element::<String>()? {
            if messages.len() >= self.max {
                *self.is_full = true;
                return Err(serde::de::Error::custom("too many messages"));
            }
            messages.push(message);
        }
        Ok(messages)
    }
}
