//! Teams.
use axum::extract::State;
use control::{LimitsWanted, NewTeam, TeamChange};
use domain::Caller;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{CreateTeam, Page, TeamView, UpdateTeam};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_teams, create_team)).routes(routes!(
        show_team,
        update_team,
        delete_team
    ))
}

/// Lists the caller's teams; administrators see all of them.
#[utoipa::path(
    get,
    path = "/teams",
    tag = "teams",
    responses(
        (status = 200, body = Page<TeamView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_teams(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<TeamView>>, ApiError> {
    let teams = app.control.teams(&caller).await?;
    Ok(Json(Page::whole(teams.into_iter().map(|facts| view::team(&app, facts)).collect())))
}

/// Makes a team, whose owner the caller becomes.
#[utoipa::path(
    post,
    path = "/teams",
    tag = "teams",
    request_body = CreateTeam,
    responses(
        (status = 201, body = TeamView),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_team(
    State(app): State<App>,
    caller: Caller,
    Json(CreateTeam { slug, name }): Json<CreateTeam>,
) -> Result<(StatusCode, Json<TeamView>), ApiError> {
    let facts = app.control.create_team(&caller, NewTeam { slug, name }).await?;
    Ok((StatusCode::CREATED, Json(view::team(&app, facts))))
}

/// Shows a team.
#[utoipa::path(
    get,
    path = "/teams/{team}",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    responses(
        (status = 200, body = TeamView),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn show_team(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
) -> Result<Json<TeamView>, ApiError> {
    let facts = app.control.team(&caller, &team).await?;
    Ok(Json(view::team(&app, facts)))
}

/// Changes a team's names and defaults.
#[utoipa::path(
    patch,
    path = "/teams/{team}",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    request_body = UpdateTeam,
    responses(
        (status = 200, body = TeamView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn update_team(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
    Json(UpdateTeam { slug, name, rootfs, limits }): Json<UpdateTeam>,
) -> Result<Json<TeamView>, ApiError> {
    let limits = limits.map(|limits| LimitsWanted {
        cpu_millis: limits.cpu_millis,
        memory_bytes: limits.memory_bytes,
        pids: limits.pids,
    });
    let facts = app.control.update_team(&caller, &team, TeamChange { slug, name, rootfs, limits }).await?;
    Ok(Json(view::team(&app, facts)))
}

/// Deletes a team that has no workspaces, with its forges and secrets for ever.
#[utoipa::path(
    delete,
    path = "/teams/{team}",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    responses(
        (status = 204, description = "Deleted; its keys too, so that no copy of its secrets opens."),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn delete_team(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.control.delete_team(&caller, &team).await?;
    Ok(StatusCode::NO_CONTENT)
}
