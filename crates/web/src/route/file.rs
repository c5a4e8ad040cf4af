//! Files of a workspace, streamed.
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use control::Entered;
use domain::{Caller, WorkspaceId};
use futures_util::TryStreamExt;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use link::FileRead;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::agent::{KIND_HEADER, Listing, MODIFIED_HEADER};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, Upload};
use crate::live;
use crate::openapi::errors::{Always, Guarded, Named, Relayed, Timely, WithBytes};

/// Longest file taken: larger than anything edited, smaller than most disks.
const FILE_MAX: u64 = 16 << 30;

/// What a `PUT` makes.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WriteKind {
    /// A file with the body's bytes.
    #[default]
    File,
    /// An empty folder.
    Folder,
}

/// What to write.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WriteQuery {
    /// `file`, and absent, writes a file; `folder` makes a folder.
    #[param(inline)]
    kind: Option<WriteKind>,
}

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_files)).routes(routes!(read_file, write_file, delete_file))
}

/// Lists the topmost folder of the workspace.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/files/",
    tag = "workspaces",
    params(("id" = String, Path, description = "The workspace.")),
    responses(
        (status = 200, body = Listing),
        Always,
        Guarded,
        Named,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn list_files(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WorkspaceId>,
) -> Result<Response, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    Ok(answer(&app, &caller, agent.read_file("/").await?))
}

/// Reads a file, or lists a folder. The header `hearth-kind` says which: `file` or `folder`.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/files/{*path}",
    tag = "workspaces",
    params(
        ("id" = String, Path, description = "The workspace."),
        ("path" = String, Path, description = "Path inside the workspace, absolute without its first slash."),
    ),
    responses(
        (
            status = 200,
            description = "The file's bytes, or the folder's listing.",
            headers(("hearth-kind" = String, description = "`file` or `folder`.")),
            content((Vec<u8> = "application/octet-stream"), (Listing = "application/json")),
        ),
        Always,
        Guarded,
        Named,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn read_file(
    State(app): State<App>,
    caller: Caller,
    Path((id, path)): Path<(WorkspaceId, String)>,
) -> Result<Response, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    Ok(answer(&app, &caller, agent.read_file(&absolute(&path)).await?))
}

/// Writes a file at once and whole, with the folders above it; `kind=folder` makes a folder.
#[utoipa::path(
    put,
    path = "/workspaces/{id}/files/{*path}",
    tag = "workspaces",
    params(
        ("id" = String, Path, description = "The workspace."),
        ("path" = String, Path, description = "Path inside the workspace, absolute without its first slash."),
        WriteQuery,
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "Written."),
        Always,
        Guarded,
        Named,
        WithBytes,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn write_file(
    State(app): State<App>,
    caller: Caller,
    Path((id, path)): Path<(WorkspaceId, String)>,
    Query(WriteQuery { kind }): Query<WriteQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    let path = absolute(&path);
    match kind.unwrap_or_default() {
        WriteKind::Folder => agent.make_folder(&path).await?,
        WriteKind::File => {
            let upload = Upload::new(&headers, body, FILE_MAX)?;
            let verdict = upload.verdict();
            let written = live::unless_ended(&app, &caller, agent.write_file(&path, upload.into_stream()));
            written.await?.map_err(|error| verdict.on(error))?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a file, or a folder with all in it.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/files/{*path}",
    tag = "workspaces",
    params(
        ("id" = String, Path, description = "The workspace."),
        ("path" = String, Path, description = "Path inside the workspace, absolute without its first slash."),
    ),
    responses(
        (status = 204, description = "Deleted."),
        Always,
        Guarded,
        Named,
        Timely,
        Relayed,
    ),
)]
pub(crate) async fn delete_file(
    State(app): State<App>,
    caller: Caller,
    Path((id, path)): Path<(WorkspaceId, String)>,
) -> Result<StatusCode, ApiError> {
    let Entered { agent, .. } = app.control.enter(&caller, id).await?;
    agent.delete_file(&absolute(&path)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Paths in the API are absolute inside the workspace; their first slash is the URL's.
fn absolute(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

/// What was at a path: a listing, or the bytes as they come.
fn answer(app: &App, caller: &Caller, found: FileRead) -> Response {
    let (size, modified_at, body) = match found {
        FileRead::File { size, modified_at, body } => (size, modified_at, body),
        FileRead::Folder(listing) => {
            let mut response = Json(listing).into_response();
            response.headers_mut().insert(KIND_HEADER, HeaderValue::from_static("folder"));
            return response;
        }
    };
    let bytes = live::bytes(app, caller, body.map_err(std::io::Error::other));
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    // Never shown as a page of ours: whoever wrote the file is not us.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(KIND_HEADER, HeaderValue::from_static("file"));
    headers.extend(size.map(|size| (CONTENT_LENGTH, HeaderValue::from(size))));
    let modified_at = modified_at.and_then(|time| HeaderValue::from_str(&time.to_string()).ok());
    headers.extend(modified_at.map(|time| (HeaderName::from_static(MODIFIED_HEADER), time)));
    response
}
