//! Who asks: from the local socket, an API token or the session cookie, in this order.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use domain::Caller;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::app::App;
use crate::error::ApiError;
use crate::session_cookie;

/// Put into every request that comes through the Unix socket.
#[derive(Clone)]
pub(crate) struct LocalCaller(pub(crate) Caller);

/// What was found out about this request before, so that it is asked once.
#[derive(Clone)]
struct Known(Caller);

impl FromRequestParts<App> for Caller {
    type Rejection = Response;

    /// A token that is sent counts even where a cookie or the socket would do: whoever limits itself
    /// means it.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if let Some(Known(caller)) = parts.extensions.get() {
            return Ok(caller.clone());
        }
        let caller = find(parts, app).await.map_err(ApiError::into_response)?;
        parts.extensions.insert(Known(caller.clone()));
        Ok(caller)
    }
}

async fn find(parts: &Parts, app: &App) -> Result<Caller, ApiError> {
    if let Some(header) = parts.headers.get(AUTHORIZATION) {
        let token = bearer(header).ok_or_else(|| {
            ApiError::nobody("the header `Authorization` does not hold `Bearer` and an API token")
        })?;
        let caller = app.control.caller_of_token(token).await?;
        return caller.ok_or_else(|| ApiError::nobody("the API token is unknown, revoked or expired"));
    }
    if let Some(LocalCaller(caller)) = parts.extensions.get() {
        return Ok(caller.clone());
    }
    let token =
        session_cookie::read(&parts.headers).ok_or_else(|| ApiError::nobody("nobody is signed in"))?;
    let caller = app.control.caller_of_session(token).await?;
    caller.ok_or_else(|| ApiError::nobody("the session has ended"))
}

/// The token of an `Authorization: Bearer …` (RFC 6750, section 2.1).
pub(crate) fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
