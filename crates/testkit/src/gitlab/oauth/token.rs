//! `/oauth/token` and `/oauth/revoke`: codes, refresh tokens and passwords for tokens, and their end.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::authorize::same_scopes;
use super::client::{Credentials, OauthError};
use super::{code, openid};
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::version::Feature;
use crate::gitlab::world::{TokenPair, World};

pub(crate) async fn issue(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::read(None, &headers, &body);
    let done = match params.filled("grant_type").as_deref() {
        None => Err(OauthError::Missing("grant_type")),
        Some("authorization_code") => code::exchange(&instance, &headers, &params),
        Some("refresh_token") => refresh(&instance, &headers, &params),
        Some("password") => password(&instance, &headers, &params),
        Some("client_credentials") => client_credentials(&instance, &headers, &params),
        Some(_) => Err(OauthError::UnsupportedGrantType),
    };
    match done {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Rotation: the old pair ends in the instant the new one begins, all under one lock.
fn refresh(instance: &Instance, headers: &HeaderMap, params: &Params) -> Result<Value, OauthError> {
    let value = params.filled("refresh_token").ok_or(OauthError::Missing("refresh_token"))?;
    let mut world = instance.world();
    let place = world.tokens.iter().position(|pair| pair.refresh.as_deref() == Some(&value));
    let place = place.filter(|place| !world.tokens[*place].revoked).ok_or(OauthError::InvalidGrant)?;
    if let Some(credentials) = Credentials::of(headers, params) {
        let application = credentials.application(&world).ok_or(OauthError::InvalidClient)?;
        if application.client_id != world.tokens[place].client_id {
            return Err(OauthError::InvalidGrant);
        }
    } else {
        return Err(OauthError::InvalidGrant);
    }
    let old = &world.tokens[place];
    let scopes = match params.filled("scope") {
        None => old.scopes.clone(),
        Some(asked) => {
            let asked: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
            if !asked.iter().all(|scope| old.scopes.contains(scope)) {
                return Err(OauthError::InvalidScope);
            }
            asked
        }
    };
    let wanted =
        Wanted { client_id: old.client_id.clone(), account: old.account, scopes, nonce: old.nonce.clone() };
    world.tokens[place].revoked = true;
    world.refreshes += 1;
    Ok(create(instance, &mut world, wanted))
}

/// The resource owner's password: enabled on GitLab, for clients that can do nothing else.
fn password(instance: &Instance, headers: &HeaderMap, params: &Params) -> Result<Value, OauthError> {
    let mut world = instance.world();
    let credentials = Credentials::of(headers, params).ok_or(OauthError::InvalidClient)?;
    let application = credentials.application(&world).ok_or(OauthError::InvalidClient)?;
    let (client_id, known) = (application.client_id.clone(), application.scopes.clone());
    let login = params.text("username").unwrap_or_default();
    let account = world.account_named(&login).filter(|account| !account.blocked);
    let account = account.filter(|account| Some(&account.password) == params.text("password").as_ref());
    let account = account.ok_or(OauthError::InvalidGrant)?.id;
    let scopes = asked_scopes(params, &known)?;
    Ok(create(instance, &mut world, Wanted { client_id, account: Some(account), scopes, nonce: None }))
}

fn client_credentials(
    instance: &Instance,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Value, OauthError> {
    let mut world = instance.world();
    let credentials = Credentials::of(headers, params).ok_or(OauthError::InvalidClient)?;
    let application = credentials.application(&world).ok_or(OauthError::InvalidClient)?;
    let (client_id, known) = (application.client_id.clone(), application.scopes.clone());
    let scopes = asked_scopes(params, &known)?;
    Ok(create(instance, &mut world, Wanted { client_id, account: None, scopes, nonce: None }))
}

fn asked_scopes(params: &Params, known: &[String]) -> Result<Vec<String>, OauthError> {
    let asked = params.filled("scope").unwrap_or_else(|| "api".to_owned());
    let asked: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    if asked.iter().all(|scope| known.contains(scope)) { Ok(asked) } else { Err(OauthError::InvalidScope) }
}

/// Whom a pair is for and what it allows.
pub(super) struct Wanted {
    pub(super) client_id: String,
    pub(super) account: Option<u64>,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
}

/// Gives the pair the user already has; releases before token expiry did (`reuse_access_token`).
pub(super) fn reuse(instance: &Instance, world: &World, wanted: &Wanted) -> Option<Value> {
    if instance.has(Feature::TokenExpiry) {
        return None;
    }
    let same = |pair: &&TokenPair| {
        pair.client_id == wanted.client_id
            && pair.account == wanted.account
            && !pair.revoked
            && same_scopes(&pair.scopes, &wanted.scopes)
    };
    world.tokens.iter().rfind(same).map(|pair| answer(instance, world, pair))
}

/// Makes a new pair and the answer that tells it.
pub(super) fn create(instance: &Instance, world: &mut World, wanted: Wanted) -> Value {
    let now = instance.now();
    let application = world.applications.get(&wanted.client_id);
    let chosen = application.is_none_or(|application| application.expires_tokens);
    let expires = instance.version().at_least(15, 0) || instance.has(Feature::TokenExpiry) && chosen;
    let pair = TokenPair {
        access: instance.random_hex(32),
        refresh: wanted.account.is_some().then(|| instance.random_hex(32)),
        client_id: wanted.client_id,
        account: wanted.account,
        scopes: wanted.scopes,
        created_at: now,
        expires_at: expires.then(|| now + instance.options.access_token_ttl),
        revoked: false,
        nonce: wanted.nonce,
    };
    let answer = answer(instance, world, &pair);
    world.tokens.push(pair);
    answer
}

/// A pair for somebody who has not been asked.
pub(crate) fn mint(instance: &Instance, client_id: &str, account: u64, scopes: Vec<String>) -> Value {
    let mut world = instance.world();
    let wanted = Wanted { client_id: client_id.to_owned(), account: Some(account), scopes, nonce: None };
    create(instance, &mut world, wanted)
}

fn answer(instance: &Instance, world: &World, pair: &TokenPair) -> Value {
    let kind = if instance.version().at_least(13, 0) { "Bearer" } else { "bearer" };
    let mut body = json!({
        "access_token": pair.access,
        "token_type": kind,
        "scope": pair.scopes.join(" "),
        "created_at": pair.created_at.as_second(),
    });
    if let Some(expires_at) = pair.expires_at {
        body["expires_in"] = json!(expires_at.as_second() - instance.now().as_second());
    }
    if let Some(refresh) = &pair.refresh {
        body["refresh_token"] = json!(refresh);
    }
    if pair.scopes.iter().any(|scope| scope == "openid")
        && let Some(id_token) = openid::id_token(instance, world, pair)
    {
        body["id_token"] = json!(id_token);
    }
    body
}

/// RFC 7009: revoking either token of a pair revokes both; what is unknown counts as revoked.
pub(crate) async fn revoke(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::read(None, &headers, &body);
    let value = params.filled("token").unwrap_or_default();
    let mut world = instance.world();
    let credentials = Credentials::of(&headers, &params);
    let client = credentials.as_ref().and_then(|credentials| credentials.application(&world));
    let client = client.map(|application| application.client_id.clone());
    let Some(client) = client else { return OauthError::NotYours.into_response() };
    let found =
        world.tokens.iter_mut().find(|pair| pair.access == value || pair.refresh.as_deref() == Some(&value));
    if let Some(pair) = found {
        if pair.client_id != client {
            return OauthError::NotYours.into_response();
        }
        pair.revoked = true;
    }
    (StatusCode::OK, axum::Json(json!({}))).into_response()
}
