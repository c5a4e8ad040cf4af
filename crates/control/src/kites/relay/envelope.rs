//! A Kite client's message, read as far as the relay must know it, and written anew for the agent.
//!
//! Nothing is taken over that is not named here: the method, the caller's `kite` with the verified name in it,
//! `withArgs`, `responseCallback`, and the functions' places. The credential stays behind, and whatever else
//! somebody put beside it. Arguments are never unpacked, so that a message costs about its own length.

use std::borrow::Cow;
use std::fmt;

use kite::{Authentication, Error, Kite};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// The longest path to the response callback, as text: `["0","responseCallback"]` with room for spaces.
const PATH_MAX: usize = 64;

/// What a client says.
pub(super) enum Message<'a> {
    /// It calls a method.
    Call(Box<Call<'a>>),
    /// It calls a function that the agent sent before. Written anew.
    Invocation(String),
}

/// A call of a method.
pub(super) struct Call<'a> {
    /// The method.
    pub(super) method: Cow<'a, str>,
    /// The credential.
    pub(super) authentication: Option<Authentication>,
    options: Options<'a>,
    callbacks: Option<&'a RawValue>,
}

/// The text is no message.
#[derive(Debug, thiserror::Error)]
#[error("not a Kite message")]
pub(super) struct NoMessage(#[source] serde_json::Error);

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    method: &'a RawValue,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    callbacks: Option<&'a RawValue>,
}

/// The one argument of a call.
#[derive(Default, Deserialize)]
struct Options<'a> {
    #[serde(default)]
    kite: Option<Kite>,
    #[serde(borrow, default)]
    authentication: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "withArgs")]
    with_args: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "responseCallback")]
    response_callback: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Written<'a, A> {
    method: &'a RawMethod<'a>,
    arguments: A,
    #[serde(skip_serializing_if = "Option::is_none")]
    callbacks: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RawMethod<'a> {
    Name(&'a str),
    Function(u64),
}

#[derive(Serialize)]
struct WrittenOptions<'a> {
    kite: &'a Kite,
    #[serde(rename = "withArgs", skip_serializing_if = "Option::is_none")]
    with_args: Option<&'a RawValue>,
    #[serde(rename = "responseCallback", skip_serializing_if = "Option::is_none")]
    response_callback: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// [`NoMessage`], also for a member that is there twice.
    pub(super) fn read(text: &'a str) -> Result<Self, NoMessage> {
        let outer: Outer<'a> = serde_json::from_str(text).map_err(NoMessage)?;
        if let Ok(id) = serde_json::from_str::<u64>(outer.method.get()) {
            let written = Written {
                method: &RawMethod::Function(id),
                arguments: outer.arguments,
                callbacks: outer.callbacks,
            };
            return serde_json::to_string(&written).map(Self::Invocation).map_err(NoMessage);
        }
        let method: Text<'a> = serde_json::from_str(outer.method.get()).map_err(NoMessage)?;
        let options = match outer.arguments {
            Some(arguments) => serde_json::from_str::<First<'a>>(arguments.get()).map_err(NoMessage)?.0,
            None => Options::default(),
        };
        // Of another form than ours it is no credential.
        let authentication = options.authentication.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let call = Call { method: method.0, authentication, options, callbacks: outer.callbacks };
        Ok(Self::Call(Box::new(call)))
    }
}

impl Call<'_> {
    /// The message for the agent, in the name of the verified caller.
    pub(super) fn on_behalf_of(&self, username: &str) -> String {
        let kite = Kite { username: username.to_owned(), ..self.options.kite.clone().unwrap_or_default() };
        let options = WrittenOptions {
            kite: &kite,
            with_args: self.options.with_args,
            response_callback: self.options.response_callback,
        };
        let method = &RawMethod::Name(&self.method);
        let written = Written { method, arguments: [options], callbacks: self.callbacks };
        // Texts, and JSON that was JSON before.
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// The answer that refuses the call; `None` if nobody waits for one.
    pub(super) fn refusal(&self, error: &Error) -> Option<String> {
        answer(self.response_id()?, &Answer { error: Some(error), result: None })
    }

    /// The answer with a result; `None` if nobody waits for one.
    pub(super) fn result(&self, result: &str) -> Option<String> {
        answer(self.response_id()?, &Answer { error: None, result: Some(result) })
    }

    fn response_id(&self) -> Option<u64> {
        serde_json::from_str::<ResponseId>(self.callbacks?.get()).ok()?.0
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    error: Option<&'a Error>,
    result: Option<&'a str>,
}

fn answer(id: u64, answer: &Answer<'_>) -> Option<String> {
    let written = Written { method: &RawMethod::Function(id), arguments: [answer], callbacks: None };
    serde_json::to_string(&written).ok()
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The first of the arguments; a call has no others.
struct First<'a>(Options<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = First<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<'de>, A::Error> {
                let first = list.next_element()?.unwrap_or_default();
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// The function at `arguments[0].responseCallback`, in a map from functions to their places.
struct ResponseId(Option<u64>);

impl<'de> Deserialize<'de> for ResponseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;

        impl<'de> Visitor<'de> for Map {
            type Value = ResponseId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("functions and their places")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ResponseId, A::Error> {
                let mut found = None;
                while let Some((id, path)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    if leads_to_response(path.get()) {
                        found = id.parse().ok();
                    }
                }
                Ok(ResponseId(found))
            }
        }

        deserializer.deserialize_map(Map)
    }
}

fn leads_to_response(path: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Place {
        Number(u64),
        Text(String),
    }

    let Some(path) = (path.len() <= PATH_MAX).then_some(path) else { return false };
    let Ok([first, second]) = serde_json::from_str::<[Place; 2]>(path) else { return false };
    let is_first = match first {
        Place::Number(number) => number == 0,
        Place::Text(text) => text == "0",
    };
    is_first && matches!(second, Place::Text(text) if text == "responseCallback")
}

#[cfg(test)]
mod tests;
