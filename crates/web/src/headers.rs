//! Headers that tell a browser what it must not do with our answers.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

/// For answers that are data: should a browser ever show one as a page, nothing in it runs.
const DATA_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Adds them. What a handler set itself (the web interface's own policy) stays.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(DATA_POLICY);
    headers.entry(CACHE_CONTROL).or_insert(fixed("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(X_FRAME_OPTIONS, fixed("DENY"));
    // Not `no-referrer`, which would take the `Origin` off forms as well; a link with a set-up token in
    // it stays ours either way.
    headers.entry(REFERRER_POLICY).or_insert(fixed("same-origin"));
    headers.insert(OPENER_POLICY, fixed("same-origin"));
    headers.insert(RESOURCE_POLICY, fixed("same-origin"));
    headers.insert(PERMISSIONS_POLICY, fixed("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
    response
}
