//! The keys that programs register kites with, and the keys that the registry signs with.
use axum::extract::State;
use control::{KiteKeyWish, OlderKeys};
use domain::{Caller, KiteKeyId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{
    CreateKiteCode, CreateKiteKey, KiteKeyView, NewKiteCode, NewKiteKey, Page, RegistryKeyView,
    RotateRegistryKey,
};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};
use crate::view::{self, TeamNames};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_kite_keys, create_kite_key))
        .routes(routes!(revoke_kite_key))
        .routes(routes!(create_kite_code))
        .routes(routes!(list_registry_keys, rotate_registry_key))
}

/// Lists the caller's kite keys.
#[utoipa::path(
    get,
    path = "/kite-keys",
    tag = "kites",
    responses(
        (status = 200, body = Page<KiteKeyView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_kite_keys(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<KiteKeyView>>, ApiError> {
    let mut teams = TeamNames::default();
    let mut keys = Vec::new();
    for facts in app.control.kite_keys(&caller).await? {
        keys.push(view::kite_key(&app, &mut teams, facts).await?);
    }
    Ok(Json(Page::whole(keys)))
}

/// Makes a kite key. The answer is the only place where it is ever shown.
#[utoipa::path(
    post,
    path = "/kite-keys",
    tag = "kites",
    request_body = CreateKiteKey,
    responses(
        (status = 201, body = NewKiteKey),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_kite_key(
    State(app): State<App>,
    caller: Caller,
    Json(CreateKiteKey { name, team, expires_in_days }): Json<CreateKiteKey>,
) -> Result<(StatusCode, Json<NewKiteKey>), ApiError> {
    let wish = KiteKeyWish { name, team, days: expires_in_days };
    let (facts, content) = app.control.create_kite_key(&caller, wish).await?;
    let key = view::kite_key(&app, &mut TeamNames::default(), facts).await?;
    Ok((StatusCode::CREATED, Json(NewKiteKey { key, content: content.expose().clone() })))
}

/// Ends a kite key. What is registered with it is cut off.
#[utoipa::path(
    delete,
    path = "/kite-keys/{id}",
    tag = "kites",
    params(("id" = String, Path, description = "The key.")),
    responses(
        (status = 204, description = "Ended."),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn revoke_kite_key(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<KiteKeyId>,
) -> Result<StatusCode, ApiError> {
    app.control.revoke_kite_key(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a one-time code, for which the registry's `registerMachine` gives one machine a kite key.
#[utoipa::path(
    post,
    path = "/kite-codes",
    tag = "kites",
    request_body = CreateKiteCode,
    responses(
        (status = 201, body = NewKiteCode),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_kite_code(
    State(app): State<App>,
    caller: Caller,
    Json(CreateKiteCode { team }): Json<CreateKiteCode>,
) -> Result<(StatusCode, Json<NewKiteCode>), ApiError> {
    let made = app.control.create_kite_code(&caller, team.as_deref()).await?;
    let code = NewKiteCode {
        code: made.code.expose().to_owned(),
        expires_at: made.expires_at,
        registry: made.registry,
    };
    Ok((StatusCode::CREATED, Json(code)))
}

/// Lists the keys that the registry signs with or has signed with, the present one first.
#[utoipa::path(
    get,
    path = "/admin/registry-keys",
    tag = "kites",
    responses(
        (status = 200, body = Page<RegistryKeyView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_registry_keys(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<RegistryKeyView>>, ApiError> {
    let keys = app.control.registry_keys(&caller).await?;
    Ok(Json(Page::whole(keys.into_iter().map(view::registry_key).collect())))
}

/// Gives the registry a new key to sign with. Answers all its keys, the new one first.
#[utoipa::path(
    post,
    path = "/admin/registry-keys",
    tag = "kites",
    request_body = RotateRegistryKey,
    responses(
        (status = 201, body = Page<RegistryKeyView>),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn rotate_registry_key(
    State(app): State<App>,
    caller: Caller,
    Json(RotateRegistryKey { revoke_older }): Json<RotateRegistryKey>,
) -> Result<(StatusCode, Json<Page<RegistryKeyView>>), ApiError> {
    let older = if revoke_older { OlderKeys::Revoke } else { OlderKeys::Keep };
    let keys = app.control.rotate_registry_key(&caller, older).await?;
    Ok((StatusCode::CREATED, Json(Page::whole(keys.into_iter().map(view::registry_key).collect()))))
}
