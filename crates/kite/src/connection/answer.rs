//! The answer to one of our calls, out of its message.

use serde_json::Value;

use super::table::Answer;
use crate::arguments::Arguments;
use crate::dnode::{Callbacks, Path, PathElement};
use crate::error::Error;
use crate::peer::Peer;

/// Reads an answer: `{error, result}` with at least one of them, or `(error, result)` as clients made with
/// kite.js answer.
pub(super) fn read(mut arguments: Vec<Value>, callbacks: Callbacks, peer: Peer) -> Answer {
    let value = match arguments.as_mut_slice() {
        // More arguments than this one are there when a path leads to them: see `within`.
        [Value::Object(members), ..] if members.contains_key("error") || members.contains_key("result") => {
            if let Some(error) = members.get("error").filter(|error| !error.is_null()) {
                return Err(Error::from_wire(error));
            }
            members.remove("result").unwrap_or_default()
        }
        // `null` alone is a success without a result: kite.js answers a heartbeat so.
        [Value::Null] => Value::Null,
        [Value::Null, result, ..] => result.take(),
        [error, _, ..] => return Err(Error::from_wire(error)),
        [] | [_] => return Err(Error::invalid_response("the answer has neither an error nor a result")),
    };
    let functions = callbacks.into_iter().filter_map(|(id, path)| Some((within(&path)?, id))).collect();
    Ok(Arguments::new(vec![value], functions, peer))
}

/// The path from the result, as the only argument; none for a function that is elsewhere.
///
/// Servers made with kite.js answer with one argument and say the paths as if it were two, so that both
/// forms are taken for either.
fn within(path: &[PathElement]) -> Option<Path> {
    let rest = match path {
        [place, name, rest @ ..] if place.is_index(0) && name.is_key("result") => rest,
        [place, rest @ ..] if place.is_index(1) => rest,
        _ => return None,
    };
    Some([&[PathElement::Index(0)], rest].concat())
}
