//! The OpenAPI document: made from the same declarations as the router, then made fit to print.

pub(crate) mod errors;

use std::sync::OnceLock;

use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ObjectBuilder, OpenApi, RefOr, Required, Type};
use utoipa_axum::router::OpenApiRouter;
use wire::api::{BASE, CommandControl, KiteChange, Problem, WorkspaceChange};
use wire::frame::{Exit, TerminalControl};

use crate::{idempotency, route, session_cookie};

/// The document's head. Paths come from the routes; schemas named here are used by streams and
/// errors only, which no route's body mentions.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Hearth",
        description = "Self-hosted cloud development environments.\n\n\
            Every error is `application/problem+json` with a stable `code` and a `mend`. Every `POST` \
            takes an `Idempotency-Key`: the same key and body within a day get the first answer again. \
            Requests that carry the session cookie must come from the server's own pages: browsers say so \
            by themselves, other clients use an API token.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    components(schemas(Problem, WorkspaceChange, KiteChange, Exit, CommandControl, TerminalControl)),
    security(("session" = []), ("token" = [])),
    tags(
        (name = "setup", description = "The first administrator."),
        (name = "me", description = "The caller: sign-in, password, sessions, API tokens."),
        (name = "forges", description = "Git hosting instances and identity providers. Administrators only."),
        (name = "teams", description = "Tenants: members, invitations, secrets."),
        (name = "users", description = "People. Administrators only."),
        (name = "workspaces", description = "Workspaces and what goes on in them."),
        (name = "snapshots", description = "Sealed disks to fork from."),
        (name = "kites", description = "Services that speak the Kite protocol, and the keys they register with."),
        (name = "images", description = "What workspaces start from."),
        (name = "operations", description = "The server itself."),
    )
)]
struct Head;

/// The whole document.
pub fn openapi() -> OpenApi {
    let api = OpenApiRouter::with_openapi(head()).nest(BASE, route::all());
    finish(api.into_openapi())
}

/// The document as it is served and as the web interface's client is made from: indented JSON.
pub fn openapi_json() -> String {
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// [`openapi_json`], made once.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(openapi_json)
}

/// The document without paths, for the router to fill.
fn head() -> OpenApi {
    let mut document = Head::openapi();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            session_cookie::NAME,
            "Set by signing in.",
        ))),
    );
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("An API token, `hearth_…`, from `POST /api/v1/me/tokens`."))
                .build(),
        ),
    );
    document
}

/// Makes the collected document fit to print: paths in OpenAPI's notation, words without Rust's.
fn finish(mut document: OpenApi) -> OpenApi {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for (path, item) in &mut document.paths.paths {
        // Signing in is not repeated but done again.
        if let Some(operation) = &mut item.post
            && !path.ends_with("/setup")
            && !path.ends_with("/session")
            && !path.ends_with("/session/forge")
            && !path.ends_with("/invitations/preview")
        {
            operation.parameters.get_or_insert_default().push(RefOr::T(key_parameter()));
        }
    }
    let Ok(mut tree) = serde_json::to_value(&document) else { return document };
    make_plain(&mut tree);
    serde_json::from_value(tree).unwrap_or(document)
}

fn key_parameter() -> Parameter {
    ParameterBuilder::new()
        .name(idempotency::KEY.as_str())
        .parameter_in(ParameterIn::Header)
        .description(Some("The same key and body within a day get the first answer again."))
        .required(Required::False)
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(idempotency::KEY_MAX))))
        .build()
}

/// Takes every description out of Rust's link notation.
fn make_plain(tree: &mut Value) {
    match tree {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" || name == "summary" => *text = plain(text),
                    Value::Array(_) | Value::Object(_) => make_plain(value),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Turns Rust's links, ``[`crate::agent::ExecRequest`]``, into `ExecRequest`.
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((target, after)) = link.split_once("`]") else { break };
        let name = target.rsplit("::").next().unwrap_or(target);
        plain.extend([before, "`", name, "`"]);
        rest = after;
    }
    plain.push_str(rest);
    plain
}
