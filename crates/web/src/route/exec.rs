//! Running one command in a workspace.
use axum::extract::State;
use axum::response::Response;
use control::Entered;
use domain::{Caller, WorkspaceId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::agent::{ExecRequest, ExecResult};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::live;
use crate::live::socket::{Talk, Upgrade};
use crate::openapi::errors::{Always, Guarded, Named, Relayed, Timely, Upgraded, WithBody};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(run_command, stream_command))
}

/// Runs one command to its end and answers with what it printed.
///
/// What exceeds 8 MiB of either output is dropped; the streaming form has no limit.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/exec",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    request_body = ExecRequest,
    responses(
        (status = 200, body = ExecResult),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn run_command(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
    Json(request): Json<ExecRequest>,
) -> Result<Json<ExecResult>, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    live::unless_ended(&app, &caller, agent.exec(&request)).await?.map(Json).map_err(Into::into)
}

/// Runs one command over a WebSocket.
///
/// The first message is text: an `ExecRequest`. Then binary messages are standard input,
/// `{"type":"eof"}` closes it, and `{"type":"signal","name":"INT"}` sends a signal. Binary messages that
/// come back are one byte for the stream (1 output, 2 error output) and data; the last message is text:
/// an `Exit`.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/exec",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
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
pub(crate) async fn stream_command(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
    upgrade: Upgrade,
) -> Result<Response, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    Ok(upgrade.serve(&app, &caller, Talk::Command(agent)))
}
