//! Why a text is not a message.

use crate::error::Error;

/// Why a text is not a message that can be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not JSON, or not JSON of that shape.
    #[error("the message cannot be read: {0}")]
    Malformed(String),
    /// The text is longer than [`Limits::message_bytes`](crate::Limits::message_bytes).
    #[error("the message has more than {0} bytes")]
    TooLong(usize),
    /// Parsed, it would take more than [`Limits::message_memory`](crate::Limits::message_memory).
    #[error("the message has too many values")]
    TooManyValues,
    /// Arrays and objects lie deeper than [`Limits::depth`](crate::Limits::depth).
    #[error("the message is nested deeper than {0} levels")]
    TooDeep(usize),
    /// More functions than [`Limits::callbacks_per_message`](crate::Limits::callbacks_per_message).
    #[error("the message has more than {0} functions")]
    TooManyCallbacks(usize),
    /// A path is longer than [`Limits::path_elements`](crate::Limits::path_elements).
    #[error("the path to a function has more than {0} elements")]
    PathTooLong(usize),
    /// A path leads nowhere, and no member can be made there.
    #[error("the path to function {id} {fault}")]
    Path {
        /// The function's id.
        id: u64,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl MessageError {
    /// The same as the answer to a call.
    pub(crate) fn into_answer(self) -> Error {
        let text = self.to_string();
        match self {
            Self::Malformed(_) | Self::Path { .. } => Error::argument(text),
            _ => Error::too_large(text),
        }
    }
}
