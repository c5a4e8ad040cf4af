//! What happens to the caller's workspaces, live.
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use control::Change;
use domain::Caller;
use futures_util::{Stream, StreamExt, stream};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::WorkspaceChange;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::errors::{Always, Guarded};
use crate::{live, view};

/// Workspaces fetched at once for the beginning of the stream.
const BATCH: u32 = 200;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(watch_events))
}

/// Streams every change of the caller's workspaces as events `workspace`.
///
/// It begins with the present state of each, so a client that comes back has missed nothing.
#[utoipa::path(
    get,
    path = "/events",
    tag = "workspaces",
    responses(
        (
            status = 200,
            description = "Events `workspace`, each with a `WorkspaceChange`.",
            content((WorkspaceChange = "text/event-stream")),
        ),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn watch_events(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    // Listening first: what changes while the present state is read comes twice rather than never.
    let changes = app.control.changes(&caller)?;
    let present = present(app.clone(), caller.clone());
    let shown = app.clone();
    let events = present.chain(changes).filter_map(move |change| show(shown.clone(), change));
    Ok(live::events(&app, &caller, events))
}

/// Every workspace as it is now, fetched as the client takes them.
fn present(app: App, caller: Caller) -> impl Stream<Item = Change> + Send {
    let pages = stream::unfold(Some(None), move |cursor| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let page = app.control.workspaces(&caller, cursor?, BATCH).await.unwrap_or_default();
            let last = page.last().filter(|_| page.len() == BATCH as usize).map(|workspace| workspace.id);
            Some((page, last.map(Some)))
        }
    });
    pages.flat_map(stream::iter).map(|workspace| Change { id: workspace.id, workspace: Some(workspace) })
}

async fn show(app: App, change: Change) -> Option<Event> {
    let workspace = match change.workspace {
        Some(workspace) => Some(view::workspace(&app, workspace).await.ok()?),
        None => None,
    };
    Some(live::event("workspace", &WorkspaceChange { id: change.id, workspace }))
}
