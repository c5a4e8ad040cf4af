//! Workspaces: list, create, change, start, stop, fork, snapshot, delete.
use axum::extract::State;
use control::{LimitsWanted, NewWorkspace};
use domain::{Caller, Workspace, WorkspaceId};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{CreateWorkspace, Page, RenameWorkspace, SnapshotView, UsageView, WorkspaceView};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::openapi::errors::{Always, ByForge, Guarded, Named, Timely, WithBody};
use crate::page::{self, PageQuery};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_workspaces, create_workspace))
        .routes(routes!(show_workspace, rename_workspace, delete_workspace))
        .routes(routes!(start_workspace))
        .routes(routes!(stop_workspace))
        .routes(routes!(fork_workspace))
        .routes(routes!(take_snapshot))
        .routes(routes!(show_usage))
}

/// Whose workspaces to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfTeam {
    /// Only a team's, by its id or name in addresses. A team's admins see everybody's in it.
    team: Option<String>,
}

/// Lists the caller's workspaces, newest first; an administrator's list holds everybody's.
#[utoipa::path(
    get,
    path = "/workspaces",
    tag = "workspaces",
    params(PageQuery, OfTeam),
    responses(
        (status = 200, body = Page<WorkspaceView>),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn list_workspaces(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
    Query(OfTeam { team }): Query<OfTeam>,
) -> Result<Json<Page<WorkspaceView>>, ApiError> {
    let limit = query.limit()?;
    let (after, most) = (query.after()?, limit.saturating_add(1));
    let list = match &team {
        Some(team) => app.control.workspaces_of_team(&caller, team, after, most).await?,
        None => app.control.workspaces(&caller, after, most).await?,
    };
    let page = page::cut(list, limit, |workspace| workspace.id.to_string());
    Ok(Json(Page { items: view::workspaces(&app, page.items).await?, next: page.next }))
}

/// Asks for a workspace.
///
/// Answers at once with the workspace in `queued`; its progress is read from the same resource, from its
/// log, and from `/events`.
#[utoipa::path(
    post,
    path = "/workspaces",
    tag = "workspaces",
    request_body = CreateWorkspace,
    responses(
        (status = 202, body = WorkspaceView),
        Always,
        Guarded,
        WithBody,
        Timely,
        Named,
        ByForge,
    ),
)]
pub(crate) async fn create_workspace(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<CreateWorkspace>,
) -> Result<Accepted, ApiError> {
    let limits = wish.limits.unwrap_or_default();
    let wish = NewWorkspace {
        url: wish.url,
        reference: wish.reference,
        name: wish.name,
        rootfs: wish.rootfs,
        limits: LimitsWanted {
            cpu_millis: limits.cpu_millis,
            memory_bytes: limits.memory_bytes,
            pids: limits.pids,
        },
        snapshot: wish.snapshot,
        team: wish.team,
        confirmed_variables: wish.confirmed_variables,
    };
    let workspace = app.control.create_workspace(&caller, wish).await?;
    accepted(&app, workspace).await
}

/// Shows a workspace.
#[utoipa::path(
    get,
    path = "/workspaces/{id}",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 200, body = WorkspaceView),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn show_workspace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Json<WorkspaceView>, ApiError> {
    let workspace = app.control.workspace(&caller, id).await?;
    Ok(Json(view::workspace(&app, workspace).await?))
}

/// Renames a workspace.
#[utoipa::path(
    patch,
    path = "/workspaces/{id}",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    request_body = RenameWorkspace,
    responses(
        (status = 200, body = WorkspaceView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn rename_workspace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
    Json(RenameWorkspace { name }): Json<RenameWorkspace>,
) -> Result<Json<WorkspaceView>, ApiError> {
    let workspace = app.control.rename_workspace(&caller, id, &name).await?;
    Ok(Json(view::workspace(&app, workspace).await?))
}

/// Removes a workspace with all its files, in whatever phase it is.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, body = WorkspaceView),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn delete_workspace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Accepted, ApiError> {
    let workspace = app.control.delete_workspace(&caller, id).await?;
    accepted(&app, workspace).await
}

/// Asks for a workspace to run.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/start",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, body = WorkspaceView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn start_workspace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Accepted, ApiError> {
    let workspace = app.control.start_workspace(&caller, id).await?;
    accepted(&app, workspace).await
}

/// Asks for a workspace to rest. Its processes end, its files stay.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/stop",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, body = WorkspaceView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn stop_workspace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Accepted, ApiError> {
    let workspace = app.control.stop_workspace(&caller, id).await?;
    accepted(&app, workspace).await
}

/// Makes a new workspace with the same files.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/fork",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, body = WorkspaceView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn fork_workspace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Accepted, ApiError> {
    let workspace = app.control.fork_workspace(&caller, id).await?;
    accepted(&app, workspace).await
}

/// Seals the workspace's present files under a name to fork from.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/snapshot",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 201, body = SnapshotView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn take_snapshot(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<(StatusCode, Json<SnapshotView>), ApiError> {
    let snapshot = app.control.take_snapshot(&caller, id).await?;
    Ok((StatusCode::CREATED, Json(view::snapshot(snapshot))))
}

/// Shows what a workspace uses now.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/usage",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 200, body = UsageView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn show_usage(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Json<UsageView>, ApiError> {
    let usage = app.control.usage(&caller, id).await?;
    Ok(Json(view::usage(&usage)))
}

/// 202 and the workspace as it is now: what was asked for happens afterwards.
type Accepted = (StatusCode, Json<WorkspaceView>);

async fn accepted(app: &App, workspace: Workspace) -> Result<Accepted, ApiError> {
    Ok((StatusCode::ACCEPTED, Json(view::workspace(app, workspace).await?)))
}
