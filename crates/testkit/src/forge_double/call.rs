//! A request as the doubles look at it, and their answers to it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

/// Which of a forge's hosts was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one for browsers.
    Web,
    /// The one for programs, where the product has another for them.
    Api,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) side: Side,
    pub(crate) method: String,
    /// The path, cut at its slashes, each part decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Call {
    pub(crate) fn new(
        side: Side,
        method: &str,
        path: &str,
        query: &str,
        headers: HeaderMap,
        text: String,
    ) -> Self {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        Self {
            side,
            method: method.to_owned(),
            path: path.split('/').filter(|part| !part.is_empty()).map(decoded).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers,
            text,
        }
    }

    /// The path, to be matched.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// A parameter of the query; empty where it is missing.
    pub(crate) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A header; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The body as a form or as an object of texts: token endpoints take either here and there.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        if self.header("content-type").starts_with("application/json") {
            let object = self.json();
            let texts = object.as_object().into_iter().flatten();
            return texts.map(|(name, value)| (name.clone(), text(value))).collect();
        }
        form_urlencoded::parse(self.text.as_bytes()).into_owned().collect()
    }

    /// User and password of HTTP Basic.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, value) = self.header("authorization").split_once(' ')?;
        let decoded =
            BASE64_STANDARD.decode(value.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let decoded = String::from_utf8(decoded).ok()?;
        decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// The token it shows: by `Bearer`, by `token`, or as the password of HTTP Basic.
    pub(crate) fn token(&self) -> Option<String> {
        if let Some((_, password)) = self.basic() {
            return Some(password);
        }
        let (scheme, token) = self.header("authorization").split_once(' ')?;
        let is_token = ["bearer", "token"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        is_token.then(|| token.trim().to_owned())
    }
}

/// A JSON text's own text; other values as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a forge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Answer {
    /// An answer of JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json; charset=utf-8", &body.to_string())
    }

    /// A page.
    pub fn html(status: u16, body: &str) -> Self {
        Self::of(status, "text/html; charset=utf-8", body)
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: vec![], body: String::new() }
    }

    /// Sends a browser elsewhere.
    pub fn redirect(url: &str) -> Self {
        Self::empty(302).header("location", url)
    }

    /// An answer of this content type.
    pub fn of(status: u16, content_type: &str, body: &str) -> Self {
        Self { status, headers: vec![], body: body.to_owned() }.header("content-type", content_type)
    }

    /// With one more header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).expect("plain header fields")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_request_makes_the_reading_of_it_panic(
            path in "[%/a-z0-9ü.]{0,40}", query in ".{0,40}", authorization in "(Basic|Bearer|token)? ?[ -~]{0,40}",
            body in ".{0,60}", is_json: bool,
        ) {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", authorization.parse().unwrap());
            let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.insert("content-type", kind.parse().unwrap());

            let call = Call::new(Side::Web, "GET", &path, &query, headers, body);

            call.form();
            call.basic();
            call.token();
        }
    }

    #[test]
    fn a_part_of_a_path_may_have_a_slash_in_it() {
        let call = Call::new(
            Side::Api,
            "GET",
            "/a//feature%2Fone/%C3%BC",
            "at=x%20y",
            HeaderMap::new(),
            String::new(),
        );

        assert_eq!(call.parts(), ["a", "feature/one", "ü"]);
        assert_eq!((call.query("at"), call.query("until")), ("x y", ""));
    }
}
