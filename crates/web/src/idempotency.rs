//! `Idempotency-Key`: a `POST` that is sent again gets the first answer again, and nothing happens twice.
//!
//! Only what succeeded is remembered: a refusal changed nothing, so asking again is right. An answer
//! that must not be stored (it holds a secret, came with a cookie, or is very long) is remembered as "that was done".

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{Caller, UserId};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{is_json, whole_body};

/// The request's header.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says in an answer that it is an old one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key taken.
pub(crate) const KEY_MAX: usize = 255;
/// Longest answer kept. Every answer but that of a talkative command is far below it.
const ANSWER_MAX: usize = 64 << 10;

/// Routes whose answers hold something that is shown once.
const SECRET_ANSWERS: [&str; 3] = ["/me/tokens", "/me/links", "/invitations"];

/// Keys whose first request has not ended yet.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashSet<(UserId, String)>>);

/// What is stored of an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    /// The answer's JSON; nothing where it could not be kept.
    body: Option<String>,
}

/// Goes around the API's routes.
pub(crate) async fn repeat(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_keyed = request.method() == Method::POST && request.headers().contains_key(KEY);
    // An archive is known by its content anyway, and too long to be compared.
    let is_short = is_json(request.headers()) || !request.headers().contains_key(CONTENT_TYPE);
    if !is_keyed || !is_short {
        return next.run(request).await;
    }
    once(&app, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn once(app: &App, request: Request, next: Next) -> Result<Response, ApiError> {
    let key = request.headers().get(KEY).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(ApiError::malformed(format!(
            "`Idempotency-Key` must have 1 to {KEY_MAX} visible characters"
        )));
    }
    let (mut parts, body) = request.into_parts();
    let Ok(caller) = Caller::from_request_parts(&mut parts, app).await else {
        // Signing in and the like: nobody to remember it for.
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = whole_body(Request::from_parts(parts.clone(), body)).await?;
    let fingerprint = fingerprint(&parts, &body);
    let _turn = app.under_way.begin(caller.user, &key)?;
    if let Some(kept) = app.control.recall(&caller, &key, &fingerprint).await? {
        return replay(&kept);
    }
    let holds_secret = parts
        .extensions
        .get::<MatchedPath>()
        .is_some_and(|path| SECRET_ANSWERS.iter().any(|end| path.as_str().ends_with(end)));
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    // Without the cookie that came with it the answer would be of no use the second time.
    let holds_secret = holds_secret || parts.headers.contains_key(SET_COOKIE);
    let body = body.collect().await.map_err(|_| lost())?.to_bytes();
    let text = String::from_utf8(body.to_vec()).ok().filter(|text| !holds_secret && text.len() <= ANSWER_MAX);
    let kept = serde_json::to_string(&Kept { status: parts.status.as_u16(), body: text }).unwrap_or_default();
    if let Err(error) = app.control.remember(&caller, &key, &fingerprint, &kept).await {
        // It was done, and that is what the caller must hear.
        tracing::warn!(%error, "an answer could not be kept for its idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(kept: &str) -> Result<Response, ApiError> {
    let kept: Kept = serde_json::from_str(kept).map_err(|_| lost())?;
    let Some(body) = kept.body else {
        let detail = "the first request with this key succeeded; its answer was not kept";
        return Err(ApiError::new(StatusCode::CONFLICT, "already_done", detail)
            .mend("look at the result where it is listed; use a new key to do it once more"));
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn lost() -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "cannot read the kept answer")
        .mend("use a new key")
}

/// What makes two requests the same.
fn fingerprint(parts: &http::request::Parts, body: &Bytes) -> String {
    let mut digest = Sha256::new();
    digest.update(parts.uri.path_and_query().map_or("", |path| path.as_str()));
    digest.update([0]);
    digest.update(body);
    hex::encode(digest.finalize())
}

impl UnderWay {
    /// Takes the key; a second request under it is refused until the first has ended.
    fn begin(self: &Arc<Self>, user: UserId, key: &str) -> Result<Turn, ApiError> {
        let entry = (user, key.to_owned());
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.clone()) {
            let detail = "the first request with this key has not ended yet";
            return Err(ApiError::new(StatusCode::CONFLICT, "in_progress", detail)
                .mend("wait for its answer, or ask again in a moment"));
        }
        Ok(Turn { all: self.clone(), entry })
    }
}

/// A key in use; given back when dropped.
struct Turn {
    all: Arc<UnderWay>,
    entry: (UserId, String),
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
    }
}
