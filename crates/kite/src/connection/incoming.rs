//! The call of a method, out of its message.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::authentication::Authentication;
use crate::descriptor::Kite;
use crate::dnode::{Callbacks, Path, PathElement, is_response};
use crate::error::{Error, clip};

/// What a call says: `{kite, authentication, withArgs, responseCallback}`, other members being ignored.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) kite: Kite,
    pub(crate) authentication: Option<Authentication>,
    pub(crate) arguments: Vec<Value>,
    pub(crate) functions: Vec<(Path, u64)>,
}

/// Takes a call apart: where its answer goes, if it wants one, and what it says.
pub(super) fn take(
    mut arguments: Vec<Value>,
    callbacks: Callbacks,
) -> (Option<u64>, Result<Incoming, Error>) {
    let mut response = None;
    let mut functions = vec![];
    for (id, path) in callbacks {
        if is_response(&path) {
            response = Some(id);
        } else {
            functions.push((path, id));
        }
    }
    let incoming = match (arguments.pop(), arguments.is_empty()) {
        (Some(Value::Object(members)), true) => read(members, functions),
        _ => Err(Error::argument("a call has exactly one argument, an object")),
    };
    (response, incoming)
}

fn read(mut members: Map<String, Value>, functions: Vec<(Path, u64)>) -> Result<Incoming, Error> {
    let kite = match members.remove("kite") {
        None | Some(Value::Null) => Kite::default(),
        Some(kite) => part("kite", kite)?,
    };
    let authentication = match members.remove("authentication") {
        None | Some(Value::Null) => None,
        Some(authentication) => Some(part("authentication", authentication)?),
    };
    // A list of arguments, or a bare one, as kite.js sends it.
    let (arguments, bare) = match members.remove("withArgs") {
        None | Some(Value::Null) => (vec![], false),
        Some(Value::Array(arguments)) => (arguments, false),
        Some(argument) => (vec![argument], true),
    };
    let functions = functions.into_iter().filter_map(|(path, id)| Some((within(path, bare)?, id))).collect();
    Ok(Incoming { kite, authentication, arguments, functions })
}

fn part<T: for<'de> Deserialize<'de>>(name: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value)
        .map_err(|error| Error::argument(format!("`{name}` cannot be read: {}", clip(&error.to_string()))))
}

/// The path within the list of arguments; none for a function that is elsewhere.
fn within(mut path: Path, bare: bool) -> Option<Path> {
    let inside = matches!(path.as_slice(), [place, name, ..] if place.is_index(0) && name.is_key("withArgs"));
    if !inside {
        return None;
    }
    path.drain(..2);
    if bare {
        path.insert(0, PathElement::Index(0));
    }
    Some(path)
}
