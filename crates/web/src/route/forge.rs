//! Forges: Git hosting instances and identity providers, as administrators register them.
use axum::extract::State;
use control::{ForgeChange, LockOut, NewForge};
use domain::{Caller, ForgeId};
use http::StatusCode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{CreateForge, ForgeCheck, ForgeView, Page, UpdateForge};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::openapi::errors::{Always, Guarded, Named, Paced, Timely, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_forges, create_forge))
        .routes(routes!(show_forge, update_forge, delete_forge))
        .routes(routes!(check_forge))
}

/// Which forges to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    team: Option<String>,
}

/// Lists the forges that the caller may manage: for administrators all, for a team's admins the team's.
#[utoipa::path(
    get,
    path = "/forges",
    tag = "forges",
    params(("team" = Option<String>, Query, description = "Only a team's, by its id or name in addresses.")),
    responses(
        (status = 200, body = Page<ForgeView>),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn list_forges(
    State(app): State<App>,
    caller: Caller,
    Query(Which { team }): Query<Which>,
) -> Result<Json<Page<ForgeView>>, ApiError> {
    let team = match team {
        Some(team) => Some(app.control.team(&caller, &team).await?.team.id),
        None => None,
    };
    let mut forges = app.control.forges(&caller).await?;
    if team.is_some() {
        forges.retain(|facts| facts.forge.team == team);
    }
    Ok(Json(Page::whole(forges.into_iter().map(view::forge).collect())))
}

/// Registers a forge. It is pending until somebody has really linked an account or signed in with it.
///
/// The answer's `redirect_uri` is what its application is registered with there.
#[utoipa::path(
    post,
    path = "/forges",
    tag = "forges",
    request_body = CreateForge,
    responses(
        (status = 201, body = ForgeView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_forge(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<CreateForge>,
) -> Result<(StatusCode, Json<ForgeView>), ApiError> {
    let wish = NewForge {
        kind: wish.kind,
        name: wish.name,
        web_url: wish.web_url,
        team: wish.team,
        settings: view::forge_settings(wish.settings),
    };
    Ok((StatusCode::CREATED, Json(view::forge(app.control.create_forge(&caller, wish).await?))))
}

/// Shows a forge.
#[utoipa::path(
    get,
    path = "/forges/{id}",
    tag = "forges",
    params(("id" = String, Path, description = "The forge.")),
    responses(
        (status = 200, body = ForgeView),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn show_forge(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ForgeId>,
) -> Result<Json<ForgeView>, ApiError> {
    Ok(Json(view::forge(app.control.forge(&caller, id).await?)))
}

/// Changes a forge; what is absent stays, an empty text takes away.
///
/// Another address, application or secret makes it pending again.
#[utoipa::path(
    patch,
    path = "/forges/{id}",
    tag = "forges",
    params(("id" = String, Path, description = "The forge.")),
    request_body = UpdateForge,
    responses(
        (status = 200, body = ForgeView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn update_forge(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ForgeId>,
    Json(UpdateForge { name, web_url, settings }): Json<UpdateForge>,
) -> Result<Json<ForgeView>, ApiError> {
    let change = ForgeChange { name, web_url, settings: view::forge_settings(settings) };
    Ok(Json(view::forge(app.control.update_forge(&caller, id, change).await?)))
}

/// Whether people may be locked out by a removal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    #[serde(default)]
    force: bool,
}

/// Removes a forge with everybody's links to it. Their tokens are revoked there.
#[utoipa::path(
    delete,
    path = "/forges/{id}",
    tag = "forges",
    params(
        ("id" = String, Path, description = "The forge."),
        ("force" = Option<bool>, Query, description = "Also if people lose their last way to sign in."),
    ),
    responses(
        (status = 204, description = "Removed."),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn delete_forge(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ForgeId>,
    Query(Removal { force }): Query<Removal>,
) -> Result<StatusCode, ApiError> {
    let lock_out = if force { LockOut::Accept } else { LockOut::Refuse };
    app.control.delete_forge(&caller, id, lock_out).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a forge step by step. Steps that need an account use the caller's own link.
#[utoipa::path(
    post,
    path = "/forges/{id}/check",
    tag = "forges",
    params(("id" = String, Path, description = "The forge.")),
    responses(
        (status = 200, body = ForgeCheck),
        Always,
        Guarded,
        Named,
        Paced,
    ),
)]
pub(crate) async fn check_forge(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ForgeId>,
) -> Result<Json<ForgeCheck>, ApiError> {
    Ok(Json(view::forge_check(app.control.check_forge(&caller, id).await?)))
}
