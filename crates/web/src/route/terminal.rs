//! Terminals of a workspace, which live on when nobody watches.
use axum::extract::State;
use axum::response::Response;
use control::Entered;
use domain::{Caller, WorkspaceId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::agent::{OpenTerminal, TerminalInfo};
use wire::api::Page;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::live::socket::{Talk, Upgrade};
use crate::openapi::errors::{Always, Guarded, Named, Relayed, Timely, Upgraded, WithBody};

/// From where a viewer wants output.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AttachQuery {
    /// Number of the first byte wanted; everything that is kept where absent.
    since: Option<u64>,
}

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_terminals, open_terminal))
        .routes(routes!(attach_terminal, close_terminal))
}

/// Lists the terminals of a workspace.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/terminals",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 200, body = Page<TerminalInfo>),
        Always,
        Guarded,
        Named,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn list_terminals(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Json<Page<TerminalInfo>>, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    Ok(Json(Page::whole(agent.terminals().await?)))
}

/// Opens a terminal, which lives until its process ends or it is closed.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/terminals",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    request_body = OpenTerminal,
    responses(
        (status = 201, body = TerminalInfo),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn open_terminal(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
    Json(request): Json<OpenTerminal>,
) -> Result<(StatusCode, Json<TerminalInfo>), ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    Ok((StatusCode::CREATED, Json(agent.open_terminal(&request).await?)))
}

/// Attaches to a terminal over a WebSocket.
///
/// Binary messages are bytes: typed ones to the terminal, shown ones from it. Text messages are
/// `TerminalControl`: `hello` comes first, `ack` and `resize` go, `exit` comes last. A viewer that comes back
/// with `since` set to the first byte it has not shown gets exactly what it missed.
///
/// The close code says why: 1000 the process has ended, 1012 the server restarts, 4400 nonsense was sent,
/// 4401 signed out, 4404 no such terminal any more, 4408 no sign of life, 4502 the agent's connection broke.
/// After 1012, 4408 and 4502 come back.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/terminals/{terminal}",
    tag = "workspaces",
    params(
        ("id" = String, Path, description = "The workspace."),
        ("terminal" = u32, Path, description = "The terminal."),
        AttachQuery,
    ),
    responses(
        (status = 101, description = "Switched to a WebSocket."),
        Always,
        Guarded,
        Named,
        Timely,
        Relayed,
        Upgraded,
    ),
)]
pub(crate) async fn attach_terminal(
    State(app): State<App>,
    caller: Caller,
    Path((id, terminal)): Path<(WorkspaceId, u32)>,
    Query(AttachQuery { since }): Query<AttachQuery>,
    upgrade: Upgrade,
) -> Result<Response, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    let duplex = agent.attach(terminal, since).await?;
    Ok(upgrade.serve(&app, &caller, Talk::Terminal(duplex)))
}

/// Hangs up a terminal and forgets it.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/terminals/{terminal}",
    tag = "workspaces",
    params(
        ("id" = String, Path, description = "The workspace."),
        ("terminal" = u32, Path, description = "The terminal."),
    ),
    responses(
        (status = 204, description = "Closed."),
        Always,
        Guarded,
        Named,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn close_terminal(
    State(app): State<App>,
    caller: Caller,
    Path((id, terminal)): Path<(WorkspaceId, u32)>,
) -> Result<StatusCode, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    agent.close_terminal(terminal).await?;
    Ok(StatusCode::NO_CONTENT)
}
