//! What pages of other origins, and caches, are told.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// How long a browser may remember the answer to a preflight; browsers themselves stop at a day or less.
const PREFLIGHT: Duration = Duration::from_hours(24);

/// Lets the page that asks read the answer. See the module `server` for why every page may.
pub(super) fn allow(request: &HeaderMap, response: &mut HeaderMap) {
    match request.get(ORIGIN) {
        Some(origin) => {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        None => {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
    }
    response.append(VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a preflight of an address that takes these methods.
pub(super) fn preflight(methods: &'static str) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT.as_secs()));
    response
}

/// An answer that nobody keeps.
pub(super) fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    no_store(&mut response);
    response
}

/// One line of text.
pub(super) fn text(status: StatusCode, line: &str) -> Response {
    answer(status, "text/plain; charset=UTF-8", line.to_owned())
}

/// A status and nothing else.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    no_store(&mut response);
    response
}

fn no_store(response: &mut Response) {
    let never = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(never));
}
