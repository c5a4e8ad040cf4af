//! Our values on their way out: JSON text, and the functions that were in them.
//!
//! While a value is serialised, a [`Function`] in it writes a mark that nobody outside can know and notes itself
//! in the thread's scope. Only when there was one is the text read again, to learn the paths.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::Serialize;
use serde_json::Value;

use crate::dnode::{FUNCTION, Path, PathElement};
use crate::error::{Error, clip};
use crate::function::Function;

thread_local! {
    /// The functions met by the serialisation under way on this thread.
    static MET: RefCell<Option<Vec<Function>>> = const { RefCell::new(None) };
}

/// A value to be sent.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    /// JSON.
    pub(crate) text: String,
    /// The functions in it, with their paths from its outermost value.
    pub(crate) functions: Vec<(Path, Function)>,
}

impl Payload {
    /// Any value, as the result of a call.
    pub(crate) fn value(value: &impl Serialize) -> Result<Self, Error> {
        let (text, met) = serialise(value)?;
        if met.is_empty() {
            return Ok(Self { text, functions: vec![] });
        }
        let mut value = serde_json::from_str(&text).map_err(|error| unsendable(&error))?;
        let functions = paths(&mut value, met)?;
        Ok(Self { text: value.to_string(), functions })
    }

    /// A list of arguments: an array is the list itself, nothing is no argument, and any other value the
    /// single argument.
    pub(crate) fn arguments(arguments: &impl Serialize) -> Result<Self, Error> {
        let mut payload = Self::value(arguments)?;
        if payload.text == "null" {
            "[]".clone_into(&mut payload.text);
        } else if !payload.text.starts_with('[') {
            payload.text.insert(0, '[');
            payload.text.push(']');
            for (path, _) in &mut payload.functions {
                path.insert(0, PathElement::Index(0));
            }
        }
        Ok(payload)
    }
}

/// Notes a function and says what to write in its place; none outside of a payload.
pub(crate) fn meet(function: &Function) -> Option<String> {
    MET.with_borrow_mut(|met| {
        let met = met.as_mut()?;
        let mark = format!("{}{}", mark()?, met.len());
        met.push(function.clone());
        Some(mark)
    })
}

/// How a mark begins: 128 random bits a process. It never leaves the process, as every mark is replaced.
fn mark() -> Option<&'static str> {
    static MARK: OnceLock<Option<String>> = OnceLock::new();
    let make = || {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let mut text = String::from("\u{1}function ");
        for byte in random {
            write!(text, "{byte:02x}").ok()?;
        }
        text.push(' ');
        Some(text)
    };
    MARK.get_or_init(make).as_deref()
}

fn serialise(value: &impl Serialize) -> Result<(String, Vec<Function>), Error> {
    /// Gives the thread its former scope back, also when a serialisation panics.
    struct Restore(Option<Vec<Function>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            MET.set(self.0.take());
        }
    }

    let restore = Restore(MET.replace(Some(vec![])));
    let text = serde_json::to_string(value);
    let met = MET.take().unwrap_or_default();
    drop(restore);
    Ok((text.map_err(|error| unsendable(&error))?, met))
}

fn unsendable(error: &serde_json::Error) -> Error {
    Error::send(format!("the value cannot be sent: {}", clip(&error.to_string())))
}

/// Replaces the marks and says where they were.
fn paths(value: &mut Value, met: Vec<Function>) -> Result<Vec<(Path, Function)>, Error> {
    let mark = mark().unwrap_or_default();
    let mut found = vec![None; met.len()];
    walk(value, mark, &mut Path::new(), &mut found);
    met.into_iter()
        .zip(found)
        .map(|(function, path)| {
            let path = path.ok_or_else(|| Error::send("a function cannot be the name of a member"))?;
            Ok((path, function))
        })
        .collect()
}

fn walk(value: &mut Value, mark: &str, path: &mut Path, found: &mut [Option<Path>]) {
    match value {
        Value::String(text) => {
            let index = text.strip_prefix(mark).and_then(|index| index.parse::<usize>().ok());
            if let Some(place) = index.and_then(|index| found.get_mut(index)) {
                *place = Some(path.clone());
                FUNCTION.clone_into(text);
            }
        }
        Value::Array(items) => {
            for (index, item) in (0..).zip(items) {
                path.push(PathElement::Index(index));
                walk(item, mark, path, found);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push(PathElement::Key(name.clone()));
                walk(member, mark, path, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::function::Functions;

    fn text(arguments: impl Serialize) -> String {
        Payload::arguments(&arguments).unwrap().text
    }

    #[test]
    fn a_list_is_the_arguments_and_anything_else_the_only_one() {
        assert_eq!(text(()), "[]");
        assert_eq!(text((1, "two")), r#"[1,"two"]"#);
        assert_eq!(text(vec![1, 2]), "[1,2]");
        assert_eq!(text(5), "[5]");
        assert_eq!(text(json!({"n": 2})), r#"[{"n":2}]"#);
        assert_eq!(text((None::<u8>,)), "[null]");
    }

    #[test]
    fn functions_are_found_wherever_they_are() {
        let group = Functions::new();
        let function = || group.add(|_| async {});

        let payload = Payload::arguments(&json_like(function(), function())).unwrap();

        let value: Value = serde_json::from_str(&payload.text).unwrap();
        assert_eq!(value, json!([{"deep": ["[Function]", "[Function]"], "on": "[Function]"}]));
        let paths: Vec<_> =
            payload.functions.iter().map(|(path, _)| serde_json::to_value(path).unwrap()).collect();
        assert_eq!(paths, [json!([0, "on"]), json!([0, "deep", 1])]);
    }

    #[derive(Serialize)]
    struct Sent {
        on: Function,
        deep: (&'static str, Function),
    }

    fn json_like(on: Function, inner: Function) -> Sent {
        Sent { on, deep: (FUNCTION, inner) }
    }

    #[test]
    fn a_function_outside_of_a_message_is_refused() {
        let group = Functions::new();

        let refused = serde_json::to_string(&group.add(|_| async {}));

        assert!(refused.is_err());
    }

    #[test]
    fn a_function_as_a_name_is_refused() {
        struct Named(Function);

        impl Serialize for Named {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(&self.0, 1)])
            }
        }

        let refused = Payload::value(&Named(Functions::new().add(|_| async {})));

        assert!(refused.is_err_and(|error| error.is(crate::error::kind::SEND)));
    }
}
