//! OpenID Connect: discovery, keys, `id_token`, `/oauth/userinfo`.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Value, json};

use super::SCOPES;
use super::client::{OauthError, bearer};
use super::introspection::living;
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::version::Feature;
use crate::gitlab::world::{AccessLevel, Account, Group, TokenPair, World};

/// Seconds an `id_token` is good for: the default of Doorkeeper's OpenID engine, measured on it.
const ID_TOKEN_LIFE: i64 = 120;

/// What the instance calls itself.
fn issuer(instance: &Instance) -> &str {
    instance.options.issuer.as_deref().unwrap_or(&instance.url)
}

pub(crate) async fn discovery(State(instance): State<Arc<Instance>>) -> axum::Json<Value> {
    let at = |path: &str| instance.at(path);
    let known: Vec<&str> =
        SCOPES.into_iter().filter(|scope| *scope != "read_api" || instance.has(Feature::ReadApi)).collect();
    let mut claims = vec![
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "sub_legacy",
        "name",
        "nickname",
        "preferred_username",
        "email",
    ];
    claims.extend(["email_verified", "website", "profile", "picture", "groups", "groups_direct"]);
    if instance.version().at_least(15, 0) {
        claims.extend([
            "https://gitlab.org/claims/groups/owner",
            "https://gitlab.org/claims/groups/maintainer",
            "https://gitlab.org/claims/groups/developer",
        ]);
    }
    let mut grants = vec!["authorization_code", "password", "client_credentials", "refresh_token"];
    if instance.version().at_least(17, 3) {
        grants.insert(3, "urn:ietf:params:oauth:grant-type:device_code");
    }
    axum::Json(json!({
        "issuer": issuer(&instance),
        "authorization_endpoint": at("oauth/authorize"),
        "token_endpoint": at("oauth/token"),
        "revocation_endpoint": at("oauth/revoke"),
        "introspection_endpoint": at("oauth/introspect"),
        "userinfo_endpoint": at("oauth/userinfo"),
        "jwks_uri": at("oauth/discovery/keys"),
        "scopes_supported": known,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "code_challenge_methods_supported": ["plain", "S256"],
    }))
}

pub(crate) async fn keys(State(instance): State<Arc<Instance>>) -> axum::Json<Value> {
    axum::Json(instance.signing.set())
}

/// Signs who the pair's owner is, for the application.
pub(super) fn id_token(instance: &Instance, world: &World, pair: &TokenPair) -> Option<String> {
    let account = world.accounts.get(&pair.account?)?;
    let now = instance.now().as_second();
    let mut claims = json!({
        "iss": issuer(instance),
        "sub": subject(instance, account),
        "aud": pair.client_id,
        "exp": now + ID_TOKEN_LIFE,
        "iat": now,
        "auth_time": pair.created_at.as_second(),
        "sub_legacy": legacy_subject(account),
        "groups_direct": direct_groups(world, account.id, None),
    });
    if let Some(nonce) = &pair.nonce {
        claims["nonce"] = json!(nonce);
    }
    add_email(&mut claims, account, pair);
    Some(instance.signing.sign(&claims))
}

pub(crate) async fn userinfo(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let token = bearer(&headers).or_else(|| Params::read(None, &headers, &body).text("access_token"));
    let world = instance.world();
    let pair = match living(&instance, &world, token.as_deref()) {
        Ok(pair) => pair,
        Err(error) => return error.into_response(),
    };
    let account = pair.account.and_then(|account| world.accounts.get(&account));
    let Some(account) = account.filter(|_| pair.scopes.iter().any(|scope| scope == "openid")) else {
        return OauthError::InsufficientScope.into_response();
    };
    let mut claims = json!({
        "sub": subject(&instance, account),
        "sub_legacy": legacy_subject(account),
        "name": account.name,
        "nickname": account.username,
        "preferred_username": account.username,
        "profile": instance.at(&account.username),
        "picture": null,
        "website": "",
        "groups": all_groups(&world, account.id),
    });
    if instance.version().at_least(15, 0) {
        let levels = [
            ("owner", AccessLevel::Owner),
            ("maintainer", AccessLevel::Maintainer),
            ("developer", AccessLevel::Developer),
        ];
        for (name, level) in levels {
            let groups = direct_groups(&world, account.id, Some(level));
            if !groups.is_empty() {
                claims[format!("https://gitlab.org/claims/groups/{name}")] = json!(groups);
            }
        }
    }
    add_email(&mut claims, account, pair);
    axum::Json(claims).into_response()
}

/// The address is told with the scope `email`; without it only a public one, which nobody here has.
fn add_email(claims: &mut Value, account: &Account, pair: &TokenPair) {
    if pair.scopes.iter().any(|scope| scope == "email") {
        claims["email"] = json!(account.email);
        claims["email_verified"] = json!(account.confirmed);
    }
}

/// The account's id as text; before 11.1 a hash.
fn subject(instance: &Instance, account: &Account) -> String {
    if instance.version().at_least(11, 1) { account.id.to_string() } else { legacy_subject(account) }
}

fn legacy_subject(account: &Account) -> String {
    hex::encode(digest(&SHA256, format!("{}-gitlab-double", account.id).as_bytes()))
}

fn direct_groups(world: &World, account: u64, level: Option<AccessLevel>) -> Vec<String> {
    let member = |group: &&Group| {
        group.account.is_none()
            && group.members.get(&account).is_some_and(|has| level.is_none_or(|level| level == *has))
    };
    world.groups.values().filter(member).map(|group| group.full_path.clone()).collect()
}

/// The groups one is in, by itself or by a group above.
fn all_groups(world: &World, account: u64) -> Vec<String> {
    let groups = world.groups.values().filter(|group| group.account.is_none());
    let groups = groups.filter(|group| world.group_access(account, group.id).is_some());
    groups.map(|group| group.full_path.clone()).collect()
}
