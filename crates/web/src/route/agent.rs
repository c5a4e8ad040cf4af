//! Where agents on other machines connect: at `/kite` ([`serve_at_kite`]), or the way of protocol 1.
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use link::Admission;
use link::handshake::{BadHandshake, Hello, Way};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::errors::{Always, Guarded, Upgraded};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(connect_agent))
}

/// Connects a workspace's agent over a WebSocket. For `hearth-agent`, with its own credential.
#[utoipa::path(
    get,
    path = "/agent/connect",
    tag = "operations",
    security(()),
    responses(
        (status = 101, description = "Switched to a WebSocket."),
        Always,
        Guarded,
        Upgraded,
    ),
)]
pub(crate) async fn connect_agent(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    serve(&app, Way::Old, request).await
}

/// Serves an agent's handshake at `/kite`, which [`link::handshake::is_agent`] tells from another Kite client's.
///
/// # Errors
///
/// 426 for what is no handshake of ours, 401 without the workspace's credential, 503 while the server starts.
pub(crate) async fn serve_at_kite(app: &App, request: Request) -> Result<Response, ApiError> {
    if !app.agents.speaks_kite() {
        // Not as if nobody ever spoke Kite here: the agent would take the old way and stay there.
        let detail = "the server is starting";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "starting", detail).mend("try again"));
    }
    serve(app, Way::Kite, request).await
}

async fn serve(app: &App, way: Way, mut request: Request) -> Result<Response, ApiError> {
    let hello = Hello::read(way, request.headers())?;
    if !app.control.admit(hello.workspace, &hello.token).await {
        let workspace = hello.workspace;
        tracing::warn!(workspace.id = %workspace, "somebody without its credential tried to be its agent");
        return Err(ApiError::nobody("the credential is not this workspace's agent's"));
    }
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or_else(|| ApiError::from(BadHandshake::NotAnUpgrade))?;
    let (workspace, planes) = (hello.workspace, hello.planes);
    let (agents, stop) = (app.agents.clone(), app.stop.clone());
    // Ends with the agent's connection, or with the server.
    tokio::spawn(async move {
        let served = async {
            match upgrade.await {
                Ok(io) => link::accept_upgraded(TokioIo::new(io), workspace, planes, agents).await,
                Err(error) => tracing::debug!(%error, "an agent left during its handshake"),
            }
        };
        tokio::select! {
            () = served => {}
            () = stop.cancelled() => {}
        }
    });
    Ok(hello.accept())
}

impl From<BadHandshake> for ApiError {
    fn from(bad: BadHandshake) -> Self {
        ApiError::new(bad.status(), "handshake", bad.to_string()).mend("let `hearth-agent` connect by itself")
    }
}
