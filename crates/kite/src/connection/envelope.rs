//! The texts of our messages, written around values that are JSON already.

use std::fmt::Write as _;

use serde::Serialize;

use crate::authentication::Authentication;
use crate::dnode::{Path, PathElement};
use crate::error::Error;

/// The functions in a message, with the ids they were given.
pub(super) type Given = [(Path, u64)];

/// A call of a method.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a str,
    /// The caller, as JSON.
    pub(super) kite: &'a str,
    pub(super) authentication: Option<&'a Authentication>,
    /// The list of arguments, as JSON.
    pub(super) arguments: &'a str,
    /// The functions in the arguments.
    pub(super) functions: &'a Given,
    /// Where the answer goes; none if none is wanted.
    pub(super) response: Option<u64>,
}

impl Outgoing<'_> {
    pub(super) fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.arguments.len() + self.kite.len() + 256);
        text.push_str(r#"{"method":"#);
        text.push_str(&json(self.method));
        text.push_str(r#","arguments":[{"kite":"#);
        text.push_str(self.kite);
        if let Some(authentication) = self.authentication {
            text.push_str(r#","authentication":"#);
            text.push_str(&json(authentication));
        }
        text.push_str(r#","withArgs":"#);
        text.push_str(self.arguments);
        if self.response.is_some() {
            text.push_str(r#","responseCallback":"[Function]""#);
        }
        text.push_str(r#"}],"callbacks":{"#);
        if let Some(id) = self.response {
            push(&mut text, format_args!(r#""{id}":[0,"responseCallback"]"#));
            if !self.functions.is_empty() {
                text.push(',');
            }
        }
        push_functions(&mut text, r#"0,"withArgs""#, self.functions);
        text.push_str("}}");
        text
    }
}

/// A call of one of the other end's functions, with its arguments as they are.
pub(super) fn invocation(id: u64, arguments: &str, functions: &Given) -> String {
    let mut text = String::with_capacity(arguments.len() + 64);
    push(&mut text, format_args!(r#"{{"method":{id},"arguments":{arguments},"callbacks":{{"#));
    push_functions(&mut text, "", functions);
    text.push_str("}}");
    text
}

/// The answer to a call: one argument with `error` and `result`.
pub(super) fn result(id: u64, result: &str, functions: &Given) -> String {
    let mut text = String::with_capacity(result.len() + 96);
    push(
        &mut text,
        format_args!(r#"{{"method":{id},"arguments":[{{"error":null,"result":{result}}}],"callbacks":{{"#),
    );
    push_functions(&mut text, r#"0,"result""#, functions);
    text.push_str("}}");
    text
}

/// The answer to a call that failed.
pub(super) fn failure(id: u64, error: &Error) -> String {
    format!(r#"{{"method":{id},"arguments":[{{"error":{},"result":null}}],"callbacks":{{}}}}"#, json(error))
}

fn push_functions(text: &mut String, prefix: &str, functions: &Given) {
    for (number, (path, id)) in functions.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        push(text, format_args!(r#"{comma}"{id}":[{prefix}"#));
        for (depth, step) in path.iter().enumerate() {
            if depth > 0 || !prefix.is_empty() {
                text.push(',');
            }
            match step {
                PathElement::Index(index) => push(text, format_args!("{index}")),
                PathElement::Key(name) => text.push_str(&json(name)),
            }
        }
        text.push(']');
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    text.write_fmt(arguments).unwrap_or_default();
}

/// A text or a structure of texts as JSON, which does not fail.
fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> Vec<(Path, u64)> {
        vec![(vec![PathElement::Index(0), PathElement::Key("on\"Item".into())], 9)]
    }

    #[test]
    fn a_call_says_who_calls_and_where_the_answer_goes() {
        let call = Outgoing {
            method: "stream",
            kite: r#"{"name":"cli"}"#,
            authentication: Some(&Authentication::token("t")),
            arguments: r#"[{"on\"Item":"[Function]"}]"#,
            functions: &functions(),
            response: Some(10),
        };

        assert_eq!(
            call.to_text(),
            concat!(
                r#"{"method":"stream","arguments":[{"kite":{"name":"cli"},"authentication":{"type":"token","key":"t"},"#,
                r#""withArgs":[{"on\"Item":"[Function]"}],"responseCallback":"[Function]"}],"#,
                r#""callbacks":{"10":[0,"responseCallback"],"9":[0,"withArgs",0,"on\"Item"]}}"#
            )
        );
    }

    #[test]
    fn a_call_that_wants_no_answer_names_no_callback() {
        let call = Outgoing {
            method: "a\"b",
            kite: "{}",
            authentication: None,
            arguments: "[]",
            functions: &[],
            response: None,
        };

        assert_eq!(
            call.to_text(),
            r#"{"method":"a\"b","arguments":[{"kite":{},"withArgs":[]}],"callbacks":{}}"#
        );
    }

    #[test]
    fn functions_get_their_arguments_raw_and_answers_are_wrapped() {
        assert_eq!(
            invocation(3, r#"["x",{"on\"Item":"[Function]"}]"#, &functions()),
            r#"{"method":3,"arguments":["x",{"on\"Item":"[Function]"}],"callbacks":{"9":[0,"on\"Item"]}}"#
        );
        assert_eq!(
            result(4, r#""pong""#, &[]),
            r#"{"method":4,"arguments":[{"error":null,"result":"pong"}],"callbacks":{}}"#
        );
        assert_eq!(
            result(4, r#"{"stop":"[Function]"}"#, &[(vec![PathElement::Key("stop".into())], 0)]),
            r#"{"method":4,"arguments":[{"error":null,"result":{"stop":"[Function]"}}],"callbacks":{"0":[0,"result","stop"]}}"#
        );
        assert_eq!(
            failure(7, &Error::custom("customType", "boom happened", "42")),
            r#"{"method":7,"arguments":[{"error":{"type":"customType","message":"boom happened","code":"42","id":""},"result":null}],"callbacks":{}}"#
        );
    }
}
