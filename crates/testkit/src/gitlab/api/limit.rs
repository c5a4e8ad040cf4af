//! Limits of requests: off as on a fresh GitLab, else GitLab's headers and its plain-text 429.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request, header};

use crate::gitlab::instance::Instance;
use crate::gitlab::server::rate_limited;

pub(crate) async fn limit(
    State(instance): State<Arc<Instance>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let Some(limit) = instance.options.rate_limit else { return next.run(request).await };
    let now = instance.now();
    let minute = now.as_second().div_euclid(60);
    let observed = instance.count_request(&caller(request.headers()), minute);
    let over = observed > limit;
    let reset = (minute + 1) * 60;
    let wait = u64::try_from(reset - now.as_second()).unwrap_or(0);
    let mut response = if over { rate_limited(Some(wait), true) } else { next.run(request).await };
    let name = "throttle_authenticated_api".to_owned();
    let mut headers = vec![
        ("ratelimit-limit", limit.to_string()),
        ("ratelimit-name", name),
        ("ratelimit-observed", observed.to_string()),
        ("ratelimit-remaining", limit.saturating_sub(observed).to_string()),
        ("ratelimit-reset", reset.to_string()),
    ];
    if over {
        let at = domain::Timestamp::from_second(reset).unwrap_or(now);
        headers.push(("ratelimit-resettime", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Whom a request counts for: everybody without a token counts together.
fn caller(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).or_else(|| headers.get("private-token"));
    value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
