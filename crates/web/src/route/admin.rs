//! What only administrators decide: the keys that seal secrets, and what holds for everybody.
use axum::extract::State;
use control::{KeyStatus, PlatformWish, RotationLevel};
use domain::Caller;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{KeysView, PlatformSettings, RotateKeys, RotationView};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Json;
use crate::openapi::errors::{Always, Guarded, Timely, WithBody};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_keys))
        .routes(routes!(rotate_keys))
        .routes(routes!(show_settings, change_settings))
}

fn keys(status: KeyStatus) -> KeysView {
    KeysView {
        platform_key: status.platform_key.to_owned(),
        platform_key_version: status.version.unwrap_or_default(),
        problem: status.problem,
        data_keys: status.data_keys,
        wrapped_by_older: status.wrapped_by_older,
        retired: status.retired,
        secrets: status.secrets,
        sealed_by_retired: status.sealed_by_retired,
        rotation: status.rotation.map(|rotation| RotationView {
            level: match rotation.level {
                RotationLevel::Platform => "platform".into(),
                RotationLevel::Data => "data".into(),
            },
            started_at: rotation.started_at,
            done: rotation.done,
            total: rotation.total,
        }),
    }
}

/// Shows how secrets are sealed.
#[utoipa::path(
    get,
    path = "/admin/keys",
    tag = "operations",
    responses(
        (status = 200, body = KeysView),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn show_keys(State(app): State<App>, caller: Caller) -> Result<Json<KeysView>, ApiError> {
    Ok(Json(keys(app.control.key_status(&caller).await?)))
}

/// Begins to replace keys; everything goes on meanwhile.
#[utoipa::path(
    post,
    path = "/admin/keys/rotate",
    tag = "operations",
    request_body = RotateKeys,
    responses(
        (status = 202, body = KeysView),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn rotate_keys(
    State(app): State<App>,
    caller: Caller,
    Json(RotateKeys { level }): Json<RotateKeys>,
) -> Result<(StatusCode, Json<KeysView>), ApiError> {
    let level = match level.as_str() {
        "platform" => RotationLevel::Platform,
        "data" => RotationLevel::Data,
        other => {
            let shown: String = other.chars().take(40).collect();
            let what = format!("there are no keys of level `{shown}`");
            return Err(ApiError::invalid("level", what).mend("give `platform` or `data`"));
        }
    };
    Ok((StatusCode::ACCEPTED, Json(keys(app.control.rotate_keys(&caller, level).await?))))
}

fn settings(settings: &control::PlatformSettings) -> PlatformSettings {
    PlatformSettings {
        ssh_algorithm: settings.ssh_algorithm.to_string(),
        password_sign_in: settings.password_sign_in,
        make_teams: settings.make_teams.as_str().to_owned(),
        default_team: settings.default_team.slug.to_string(),
    }
}

/// Shows what holds for everybody.
#[utoipa::path(
    get,
    path = "/admin/settings",
    tag = "operations",
    responses(
        (status = 200, body = PlatformSettings),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn show_settings(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<PlatformSettings>, ApiError> {
    Ok(Json(settings(&app.control.platform_settings(&caller).await?)))
}

/// Changes what holds for everybody.
#[utoipa::path(
    put,
    path = "/admin/settings",
    tag = "operations",
    request_body = PlatformSettings,
    responses(
        (status = 200, body = PlatformSettings),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn change_settings(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<PlatformSettings>,
) -> Result<Json<PlatformSettings>, ApiError> {
    let wish = PlatformWish {
        ssh_algorithm: wish.ssh_algorithm,
        password_sign_in: wish.password_sign_in,
        make_teams: wish.make_teams,
        default_team: wish.default_team,
    };
    Ok(Json(settings(&app.control.set_platform_settings(&caller, wish).await?)))
}
