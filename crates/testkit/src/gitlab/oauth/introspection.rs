//! `/oauth/token/info` and `/oauth/introspect` (RFC 7662).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::json;

use super::client::{Credentials, OauthError, bearer};
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::world::{TokenPair, World};

/// The living pair with this access token, or what Doorkeeper says about it.
pub(super) fn living<'a>(
    instance: &Instance,
    world: &'a World,
    value: Option<&str>,
) -> Result<&'a TokenPair, OauthError> {
    let pair = world.tokens.iter().find(|pair| Some(pair.access.as_str()) == value);
    let pair = pair.ok_or(OauthError::InvalidToken("The access token is invalid"))?;
    if pair.revoked {
        return Err(OauthError::InvalidToken("The access token was revoked"));
    }
    if pair.expires_at.is_some_and(|end| end <= instance.now()) {
        return Err(OauthError::InvalidToken("The access token expired"));
    }
    Ok(pair)
}

pub(crate) async fn info(State(instance): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    let world = instance.world();
    let pair = match living(&instance, &world, bearer(&headers).as_deref()) {
        Ok(pair) => pair,
        Err(error) => return error.into_response(),
    };
    let expires_in = pair.expires_at.map(|end| end.as_second() - instance.now().as_second());
    axum::Json(json!({
        "resource_owner_id": pair.account,
        "scope": pair.scopes,
        "expires_in": expires_in,
        "application": { "uid": pair.client_id },
        "created_at": pair.created_at.as_second(),
        "scopes": pair.scopes,
        "expires_in_seconds": expires_in,
    }))
    .into_response()
}

pub(crate) async fn introspect(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::read(None, &headers, &body);
    let world = instance.world();
    let credentials = Credentials::of(&headers, &params);
    let Some(client) = credentials.as_ref().and_then(|credentials| credentials.application(&world)) else {
        return OauthError::InvalidClient.into_response();
    };
    let pair = living(&instance, &world, params.text("token").as_deref());
    let Some(pair) = pair.ok().filter(|pair| pair.client_id == client.client_id) else {
        return axum::Json(json!({ "active": false })).into_response();
    };
    axum::Json(json!({
        "active": true,
        "scope": pair.scopes.join(" "),
        "client_id": pair.client_id,
        "token_type": "Bearer",
        "exp": pair.expires_at.map(domain::Timestamp::as_second),
        "iat": pair.created_at.as_second(),
    }))
    .into_response()
}
