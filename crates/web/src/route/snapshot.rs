//! Sealed disks to fork from.
use axum::extract::State;
use domain::{Caller, SnapshotId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{Page, SnapshotView};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_snapshots)).routes(routes!(delete_snapshot))
}

/// Lists the caller's snapshots, newest first.
#[utoipa::path(
    get,
    path = "/snapshots",
    tag = "snapshots",
    responses(
        (status = 200, body = Page<SnapshotView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_snapshots(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<SnapshotView>>, ApiError> {
    let snapshots = app.control.snapshots(&caller).await?;
    Ok(Json(Page::whole(snapshots.into_iter().map(view::snapshot).collect())))
}

/// Forgets a snapshot. Workspaces made from it are not touched.
#[utoipa::path(
    delete,
    path = "/snapshots/{id}",
    tag = "snapshots",
    params(("id" = String, Path, description = "The snapshot.")),
    responses(
        (status = 204, description = "Forgotten."),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn delete_snapshot(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SnapshotId>,
) -> Result<StatusCode, ApiError> {
    app.control.delete_snapshot(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
