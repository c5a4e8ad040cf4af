//! The request by which a client sends messages.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::cors::{empty, text};
use super::session::{NotTaken, Session};
use crate::sockjs::{BatchError, read_batch};
use crate::web_socket::BATCH_MAX;

/// Hands the body's messages to the session: 204, or why not.
pub(super) async fn send(session: &Session, body: Body, body_bytes: usize, patience: Duration) -> Response {
    let Ok(_permit) = session.sends.try_acquire() else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "too many sends at once\n");
    };
    let body = match tokio::time::timeout(patience, Limited::new(body, body_bytes).collect()).await {
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n"),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n");
        }
        Ok(Err(_)) => return empty(StatusCode::BAD_REQUEST),
        Ok(Ok(body)) => body.to_bytes(),
    };
    let batch = std::str::from_utf8(&body).map_err(|_| BatchError::Broken);
    let messages = match batch.and_then(|batch| read_batch(batch, BATCH_MAX)) {
        Ok(messages) => messages,
        Err(error) => return text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    match session.push(messages, patience).await {
        Ok(()) => {
            let mut response = empty(StatusCode::NO_CONTENT);
            let kind = http::HeaderValue::from_static("text/plain; charset=UTF-8");
            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
            response
        }
        Err(NotTaken::Over) => empty(StatusCode::NOT_FOUND),
        Err(NotTaken::Late) => text(StatusCode::SERVICE_UNAVAILABLE, "the service does not read\n"),
    }
}
