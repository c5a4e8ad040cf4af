//! The outermost layer: names the request, survives what is inside, counts, and finishes errors.

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tracing::Instrument;

use crate::app::App;
use crate::error::{self, ApiError};

/// Header that carries a request's id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every request.
pub(crate) async fn frame(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = proposed_id(request.headers()).unwrap_or_else(fresh_id);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!("request", request.id = %id, %method, path = %request.uri().path());

    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await;
    let response = outcome.unwrap_or_else(|_| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed at this request")
            .mend("look for this request in the server's log, and report it")
            .into_response()
    });

    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    app.telemetry.count(&method, route, response.status(), started.elapsed());
    let mut response = error::finish(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The id that a proxy gave the request, if it cannot mislead whoever reads the log.
fn proposed_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    ((8..=64).contains(&text.len()) && is_plain).then(|| text.to_owned())
}

/// An id that no other request of this process has, and that does not tell how many there were.
fn fresh_id() -> String {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("req-{:016x}", KEY.hash_one(NUMBER.fetch_add(1, Ordering::Relaxed)))
}
