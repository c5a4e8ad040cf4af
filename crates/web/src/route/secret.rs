//! A team's secrets, which go in and never come out again here.
use axum::extract::State;
use control::SecretName;
use domain::Caller;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{Page, SecretView, SetSecret};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_secrets)).routes(routes!(set_secret, delete_secret))
}

fn view(secret: SecretName) -> SecretView {
    SecretView { name: secret.name, created_at: secret.created_at, updated_at: secret.updated_at }
}

/// Lists the names of a team's secrets.
#[utoipa::path(
    get,
    path = "/teams/{team}/secrets",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    responses(
        (status = 200, body = Page<SecretView>),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn list_secrets(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
) -> Result<Json<Page<SecretView>>, ApiError> {
    let secrets = app.control.secrets(&caller, &team).await?;
    Ok(Json(Page::whole(secrets.into_iter().map(view).collect())))
}

/// Sets a secret. The team's workspaces see it as a variable from their next start on.
#[utoipa::path(
    put,
    path = "/teams/{team}/secrets/{name}",
    tag = "teams",
    params(
        ("team" = String, Path, description = "The team, by id or by its name in addresses."),
        ("name" = String, Path, description = "Name of the variable."),
    ),
    request_body = SetSecret,
    responses(
        (status = 200, body = SecretView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn set_secret(
    State(app): State<App>,
    caller: Caller,
    Path((team, name)): Path<(String, String)>,
    Json(SetSecret { value }): Json<SetSecret>,
) -> Result<Json<SecretView>, ApiError> {
    Ok(Json(view(app.control.set_secret(&caller, &team, &name, value.into()).await?)))
}

/// Removes a secret.
#[utoipa::path(
    delete,
    path = "/teams/{team}/secrets/{name}",
    tag = "teams",
    params(
        ("team" = String, Path, description = "The team, by id or by its name in addresses."),
        ("name" = String, Path, description = "Name of the variable."),
    ),
    responses(
        (status = 204, description = "Removed."),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn delete_secret(
    State(app): State<App>,
    caller: Caller,
    Path((team, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    app.control.delete_secret(&caller, &team, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
