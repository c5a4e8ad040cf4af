//! A workspace's log, as a stream that resumes.
use axum::extract::State;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use domain::{Caller, WorkspaceId};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::LogLineView;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::openapi::errors::{Always, Guarded, Named};
use crate::{live, view};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Most lines of an answer that does not stream: the page shows no more, and `after` gives the next.
const LINES_MAX: u32 = 10_000;

/// Which part of the log is wanted.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// `false` answers with what there is, as an array; `true`, and absent, streams.
    follow: Option<bool>,
    /// Only lines with a larger number. `Last-Event-ID` wins over it.
    after: Option<u64>,
}

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read_log))
}

/// Streams the log of the present start: what there is, then what comes.
///
/// Every line is one event `line` whose id is its number; a client that comes back with `Last-Event-ID` gets
/// what it missed and nothing twice. An event `end` says that the workspace is gone. With `follow=false` the answer is a JSON array of what there is.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/log",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace."), LogQuery),
    responses(
        (
            status = 200,
            description = "Events `line`, each with a `LogLineView`, and `end`; with `follow=false` an array.",
            content((LogLineView = "text/event-stream"), (Vec<LogLineView> = "application/json")),
        ),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn read_log(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = last_event_id(&headers).or(query.after).unwrap_or(0);
    if query.follow == Some(false) {
        let lines = app.control.log_so_far(&caller, id, after, LINES_MAX).await?;
        return Ok(Json(lines.into_iter().map(view::log_line).collect::<Vec<_>>()).into_response());
    }
    let lines = app.control.log(&caller, id, after).await?.map(|line| {
        let line = view::log_line(line);
        live::event("line", &line).id(line.sequence.to_string())
    });
    let end = stream::once(async { Event::default().event("end").data("{}") });
    Ok(live::events(&app, &caller, lines.chain(end)))
}

/// Where a client that lost the stream was.
fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.trim().parse().ok()
}
