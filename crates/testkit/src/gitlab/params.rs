//! Parameters of a request: query and body in one bag, as Rails and Grape see them.

use axum::body::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value};

/// Values by name; the body's win over the query's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Reads the query and a form or JSON body. What cannot be read counts as not sent.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Self {
        let mut values = Map::new();
        add_form(&mut values, query.unwrap_or_default().as_bytes());
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") {
            if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
                values.extend(object);
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            add_form(&mut values, body);
        } else if let Some((_, boundary)) = kind.split_once("boundary=") {
            add_multipart(&mut values, boundary.trim_matches('"'), body);
        }
        Self(values)
    }

    /// A value as text, however it was sent; empty text is a value.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// A value as text that is there and not blank.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.trim().is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A flag in any of the forms Grape coerces.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "true" | "1" | "t" | "on" | "yes" => Some(true),
            "false" | "0" | "f" | "off" | "no" | "" => Some(false),
            _ => None,
        }
    }

    /// A value as it was sent.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn add_form(values: &mut Map<String, Value>, text: &[u8]) {
    for (name, value) in url::form_urlencoded::parse(text) {
        values.insert(name.into_owned(), Value::String(value.into_owned()));
    }
}

/// Reads the text fields of a `multipart/form-data` body (RFC 7578); files are left out.
fn add_multipart(values: &mut Map<String, Value>, boundary: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    for part in text.split(&format!("--{boundary}")) {
        let Some((head, content)) = part.split_once("\r\n\r\n") else { continue };
        let Some((_, rest)) = head.split_once(" name=\"") else { continue };
        let name = rest.split('"').next().unwrap_or_default();
        let content = content.strip_suffix("\r\n").unwrap_or(content);
        values.insert(name.to_owned(), Value::String(content.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use http::{HeaderMap, HeaderValue, header};
    use proptest::prelude::*;

    use super::Params;

    fn read(kind: &str, body: &[u8]) -> Params {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        Params::read(Some("a=query&b=query"), &headers, &Bytes::copy_from_slice(body))
    }

    #[test]
    fn forms_json_and_multipart_mean_the_same_and_win_over_the_query() {
        let multipart = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        for (kind, body) in [
            ("application/x-www-form-urlencoded", &b"a=1"[..]),
            ("application/json", br#"{"a":1}"#),
            ("multipart/form-data; boundary=x", multipart),
        ] {
            let params = read(kind, body);
            assert_eq!((params.number("a"), params.text("b").as_deref()), (Some(1), Some("query")), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn nothing_sent_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..3_usize) {
            let kinds =
                ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=-"];
            let params = read(kinds[kind], &body);
            prop_assert!(params.text("a").is_none_or(|_| params.has("a")));
        }
    }
}
