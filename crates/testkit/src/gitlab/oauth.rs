//! GitLab as an OAuth 2 and OpenID Connect provider: what Doorkeeper and its OpenID engine do there.

pub(crate) mod signing;

mod authorize;
pub(crate) mod client;
mod code;
mod introspection;
mod openid;
pub(crate) mod pages;
mod session;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::instance::Instance;

pub(crate) use token::mint;

/// Every scope an application can have, in GitLab's order.
const SCOPES: [&str; 21] = [
    "api",
    "read_api",
    "read_user",
    "create_runner",
    "manage_runner",
    "k8s_proxy",
    "read_repository",
    "write_repository",
    "read_registry",
    "write_registry",
    "read_virtual_registry",
    "write_virtual_registry",
    "read_observability",
    "write_observability",
    "ai_features",
    "sudo",
    "admin_mode",
    "read_service_ping",
    "openid",
    "profile",
    "email",
];

pub(crate) fn routes() -> Router<Arc<Instance>> {
    Router::new()
        .route("/oauth/authorize", get(authorize::show).post(authorize::decide).delete(authorize::decide))
        .route("/oauth/token", post(token::issue))
        .route("/oauth/revoke", post(token::revoke))
        .route("/oauth/token/info", get(introspection::info))
        .route("/oauth/introspect", post(introspection::introspect))
        .route("/oauth/userinfo", get(openid::userinfo).post(openid::userinfo))
        .route("/oauth/discovery/keys", get(openid::keys))
        .route("/.well-known/openid-configuration", get(openid::discovery))
        .route("/users/sign_in", get(session::form).post(session::sign_in))
        .route("/users/sign_out", get(session::sign_out).post(session::sign_out))
}
