//! The message that Kite speaks: dnode's, one JSON object.
//!
//! `{"method": name or id, "arguments": […], "callbacks": {"id": [path…]}}`. A function travels as the text
//! `"[Function]"` at its place, and `callbacks` says which id of the sender's it has. kite.js writes every step
//! of a path as text and adds an empty `links`; Go's kites write places in arrays as numbers and leave `links`
//! out. Both may leave out `callbacks`, and a function may be named in `callbacks` alone: its member is then
//! made here. Reading never panics and stays within [`Limits`](crate::Limits), whatever the text is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

mod fault;
mod path;
mod read;
mod tree;

pub use fault::MessageError;
pub use path::PathElement;

pub(crate) use path::{Path, find};
pub(crate) use read::{Callbacks, Measured, answerable, is_response};

/// What stands at the place of a function.
pub const FUNCTION: &str = "[Function]";

/// What a message calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Method {
    /// A method by its name.
    Name(String),
    /// A function that the receiver sent before, by its id.
    Callback(u64),
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// What it calls.
    pub method: Method,
    /// With what. [`FUNCTION`] stands wherever `callbacks` says that a function is.
    pub arguments: Vec<Value>,
    /// The sender's functions in the arguments, by their ids. A path begins with a place in `arguments`.
    pub callbacks: BTreeMap<u64, Vec<PathElement>>,
}

impl Message {
    /// Reads a message within limits. Members that only `callbacks` names are made.
    ///
    /// # Errors
    ///
    /// The text is not such a message, or goes beyond a limit; the error says which.
    pub fn parse(text: &str, limits: &crate::Limits) -> Result<Self, MessageError> {
        read::read(text, limits).map(|measured| measured.message)
    }

    /// The same, with the memory it takes.
    pub(crate) fn measure(text: &str, limits: &crate::Limits) -> Result<Measured, MessageError> {
        read::read(text, limits)
    }

    /// The message as it travels. Reading it again gives an equal message, but for the last
    /// digit of numbers that are no whole numbers of 64 bits.
    pub fn to_text(&self) -> String {
        // Maps have texts or whole numbers as keys and no part of a message fails to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
