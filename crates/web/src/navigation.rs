//! What a browser's address bar asks for: when it means it, and where it is sent on to.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::error::ApiError;

/// Where browsers say that they only look ahead; the second one is what some called it earlier.
const PURPOSES: [HeaderName; 2] =
    [HeaderName::from_static("sec-purpose"), HeaderName::from_static("purpose")];

/// Refuses whoever only looks ahead at an address that works once: it must not be used up by that.
pub(crate) fn meant(parts: &Parts) -> Result<(), ApiError> {
    let looks_ahead = |name: &HeaderName| {
        parts.headers.get_all(name).iter().any(|purpose| {
            let purpose = purpose.to_str().unwrap_or_default().to_ascii_lowercase();
            purpose.contains("prefetch") || purpose.contains("prerender") || purpose.contains("preview")
        })
    };
    if parts.method == Method::GET && !PURPOSES.iter().any(looks_ahead) {
        return Ok(());
    }
    let detail = "this address works once, and not ahead of time";
    Err(ApiError::new(StatusCode::BAD_REQUEST, "not_ahead", detail)
        .mend("open it in the browser that began to sign in"))
}

/// Sends the browser on; nobody keeps the answer, and the next page does not learn where it comes from.
pub(crate) fn redirect(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
