//! Extractors whose refusals say what is wrong: JSON bodies, path parts, queries, streams of bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::RequestExt;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::app::App;
use crate::error::ApiError;
use crate::router::JSON_MAX;

/// A JSON document, in or out.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _app: &App) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let detail = "the body is not announced as JSON";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_type", detail)
                .mend("send `content-type: application/json`"));
        }
        parse(&whole_body(request).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Whether the body is announced as JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(header) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = header.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The body, if it is not longer than a JSON document may be.
pub(crate) async fn whole_body(request: Request) -> Result<Bytes, ApiError> {
    let body = request.with_limited_body();
    body.extract::<Bytes, _>().await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::too_large(JSON_MAX as u64)
        } else {
            ApiError::malformed("the body broke off")
        }
    })
}

/// Reads a JSON document.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        match error.classify() {
            Category::Io | Category::Syntax | Category::Eof => {
                ApiError::malformed(format!("the body is not a JSON document: {text}"))
            }
            Category::Data => match blamed_field(&text) {
                Some(field) => ApiError::invalid(field, format!("the body is not acceptable: {text}")),
                None => ApiError::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid",
                    format!("the body is not acceptable: {text}"),
                )
                .mend("compare the body with /api/v1/openapi.json"),
            },
        }
    })
}

/// The field that serde's words blame: ``missing field `name` at line 1``.
fn blamed_field(text: &str) -> Option<&str> {
    let rest = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| text.strip_prefix(start))?;
    rest.split_once('`').map(|(field, _)| field)
}

/// The variable parts of the path. What cannot be an id names nothing: 404.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let found = axum::extract::Path::from_request_parts(parts, app).await;
        found.map(|axum::extract::Path(value)| Self(value)).map_err(|_| {
            let what = format!("resource at `{}`", parts.uri.path());
            ApiError::missing(&what, "check the id; list what there is to find the right one")
        })
    }
}

/// What stands behind the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match axum::extract::Query::from_request_parts(parts, app).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::malformed(rejection.body_text())),
        }
    }
}

/// A body that is passed on as it comes, up to a limit.
pub(crate) struct Upload {
    body: Body,
    most: u64,
    is_exceeded: Arc<AtomicBool>,
}

impl Upload {
    /// Takes the body of a request. Refuses at once what announces itself as too long.
    pub(crate) fn new(headers: &HeaderMap, body: Body, most: u64) -> Result<Self, ApiError> {
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<u64>().ok());
        if announced.is_some_and(|length| length > most) {
            return Err(ApiError::too_large(most));
        }
        Ok(Self { body, most, is_exceeded: Arc::default() })
    }

    /// Tells later whether the limit was what ended the stream.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict { most: self.most, is_exceeded: self.is_exceeded.clone() }
    }

    /// The bytes. An error ends them when the sender goes away or sends too much.
    pub(crate) fn into_stream(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let Self { body, most, is_exceeded } = self;
        let mut left = most;
        body.into_data_stream().map(move |chunk| {
            let chunk = chunk.map_err(std::io::Error::other)?;
            let Some(rest) = left.checked_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX)) else {
                is_exceeded.store(true, Ordering::Release);
                return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "the body is too long"));
            };
            left = rest;
            Ok(chunk)
        })
    }
}

/// Whether an upload was cut for its length.
pub(crate) struct Verdict {
    most: u64,
    is_exceeded: Arc<AtomicBool>,
}

impl Verdict {
    /// The true reason of a failed upload: its length where that was it, else `error`.
    pub(crate) fn on(&self, error: impl Into<ApiError>) -> ApiError {
        if self.is_exceeded.load(Ordering::Acquire) { ApiError::too_large(self.most) } else { error.into() }
    }
}

#[cfg(test)]
mod tests;
