//! What a call fails with, as it travels.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The longest text taken over from another error, in bytes.
const DETAIL_BYTES: usize = 300;

/// An error of a call: `{"type", "message", "code", "id"}`.
///
/// The message is written for whoever called and must hold nothing they may not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.text())]
#[serde(default)]
pub struct Error {
    /// The wire's `type`: what kind of error it is, for programs.
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// What happened, for people.
    #[serde(deserialize_with = "text")]
    pub message: String,
    /// A code of the application, often empty.
    #[serde(deserialize_with = "text")]
    pub code: String,
    /// The request's id, which is in the log of the end that answered. Empty where there is none.
    #[serde(deserialize_with = "text")]
    pub id: String,
}

/// The kinds this crate makes itself.
pub mod kind {
    /// The arguments are not what the method takes.
    pub const ARGUMENT: &str = "argumentError";
    /// Nobody proved to be anybody.
    pub const AUTHENTICATION: &str = "authenticationError";
    /// There is no such method.
    pub const METHOD_NOT_FOUND: &str = "methodNotFound";
    /// Too many calls.
    pub const RATE_LIMITED: &str = "requestLimitError";
    /// No answer in time.
    pub const TIMEOUT: &str = "timeout";
    /// The connection ended, or is about to.
    pub const DISCONNECTED: &str = "disconnect";
    /// The message could not be sent.
    pub const SEND: &str = "sendError";
    /// The answer is not one.
    pub const INVALID_RESPONSE: &str = "invalidResponse";
    /// A fault of the end that answered; its log has the details under the id.
    pub const INTERNAL: &str = "internalError";
    /// A message or its parts are larger than allowed.
    pub const TOO_LARGE: &str = "tooLarge";
    /// Any other error.
    pub const GENERIC: &str = "genericError";
}

impl Error {
    /// An error of any kind.
    pub fn custom(kind: impl Into<String>, message: impl Into<String>, code: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), code: code.into(), id: String::new() }
    }

    fn of(kind: &str, message: impl Into<String>) -> Self {
        Self::custom(kind, message, "")
    }

    /// The arguments are not what the method takes.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::of(kind::ARGUMENT, message)
    }

    /// The caller is not, or not yet, somebody who may call.
    pub fn authentication(message: impl Into<String>) -> Self {
        Self::of(kind::AUTHENTICATION, message)
    }

    /// There is no such method. The sentence is that of Kite's other implementations.
    pub fn method_not_found(method: &str) -> Self {
        Self::of(kind::METHOD_NOT_FOUND, format!("Method not found: {}", clip(method)))
    }

    /// The caller calls too often. The sentence is that of Kite's other implementations.
    pub fn rate_limited() -> Self {
        Self::of(kind::RATE_LIMITED, "The maximum request rate is exceeded.")
    }

    /// No answer came in time.
    pub fn timeout() -> Self {
        Self::of(kind::TIMEOUT, "no answer came in time")
    }

    /// The connection ended before the answer came, or before the call was sent.
    pub fn disconnected() -> Self {
        Self::of(kind::DISCONNECTED, "the connection has ended")
    }

    /// A fault of this end. What it was is in the log, under the request's id.
    pub fn internal(id: impl Into<String>) -> Self {
        let message = "the call could not be completed because of a fault of this kite; its log has the details under this id";
        Self { id: id.into(), ..Self::of(kind::INTERNAL, message) }
    }

    /// A message or one of its parts is larger than allowed.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::of(kind::TOO_LARGE, message)
    }

    /// An ordinary failure that needs no kind of its own.
    pub fn generic(message: impl Into<String>) -> Self {
        Self::of(kind::GENERIC, message)
    }

    /// The message could not be sent.
    pub fn send(message: impl Into<String>) -> Self {
        Self::of(kind::SEND, message)
    }

    /// The answer is none.
    pub fn invalid_response(message: impl Into<String>) -> Self {
        Self::of(kind::INVALID_RESPONSE, message)
    }

    /// The same with a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// Whether it is of a kind; [`kind`] has the names.
    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// Reads what an answer has at the place of its error. Others send a bare sentence, or an error
    /// without a type; whatever it is, it becomes an error.
    pub(crate) fn from_wire(value: &Value) -> Self {
        let mut error = match value {
            Value::String(message) => Self::generic(message.clone()),
            Value::Object(_) => {
                Self::deserialize(value).unwrap_or_else(|_| Self::generic(clip(&value.to_string())))
            }
            _ => Self::generic(clip(&value.to_string())),
        };
        if error.kind.is_empty() {
            kind::GENERIC.clone_into(&mut error.kind);
        }
        error
    }

    fn text(&self) -> &str {
        if self.message.is_empty() { &self.kind } else { &self.message }
    }
}

/// The beginning of a text that somebody else wrote.
pub(crate) fn clip(text: &str) -> String {
    let mut end = text.len().min(DETAIL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// A text, where others may send a number or nothing.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => clip(&other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_travels_with_four_texts() {
        let error =
            Error { id: "14f59eed63e31770".into(), ..Error::custom("customType", "boom happened", "42") };

        let sent = serde_json::to_value(&error).unwrap();

        assert_eq!(
            sent,
            json!({"type": "customType", "message": "boom happened", "code": "42", "id": "14f59eed63e31770"})
        );
        assert_eq!(Error::from_wire(&sent), error);
    }

    #[test]
    fn whatever_stands_where_an_error_is_expected_becomes_one() {
        assert_eq!(Error::from_wire(&json!("boom")), Error::generic("boom"));
        assert_eq!(
            Error::from_wire(&json!({"message": "boom", "code": 42})),
            Error::generic("boom").with_code("42")
        );
        assert_eq!(Error::from_wire(&json!(5)), Error::generic("5"));
        assert_eq!(Error::from_wire(&json!(["x"])), Error::generic(r#"["x"]"#));
        assert_eq!(Error::from_wire(&json!({"type": "fsError"})).to_string(), "fsError");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let clipped = clip(&"é".repeat(400));

        assert_eq!(clipped.len(), 300);
        assert_eq!(clip(&format!("a{}", "é".repeat(400))).len(), 299);
    }
}
