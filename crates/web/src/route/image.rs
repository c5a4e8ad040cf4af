//! What workspaces start from.
use axum::body::Body;
use axum::extract::{Request, State};
use domain::Caller;
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{ImageView, Page, PullImage};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, Upload, is_json, parse, whole_body};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};
use crate::{live, view};

/// Longest archive taken: images with whole toolchains inside reach twenty gigabytes.
const ARCHIVE_MAX: u64 = 64 << 30;

/// What to call an imported image.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Name of the image in an archive; the one written inside where absent.
    name: Option<String>,
}

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_images, add_image)).routes(routes!(remove_image))
}

/// Lists the images on this machine.
#[utoipa::path(
    get,
    path = "/images",
    tag = "images",
    responses(
        (status = 200, body = Page<ImageView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_images(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<ImageView>>, ApiError> {
    let images = app.control.images(&caller).await?;
    Ok(Json(Page::whole(images.into_iter().map(view::image).collect())))
}

/// Fetches an image from its registry (JSON), or takes one from an archive (`application/x-tar`).
///
/// The archive is what `docker save` writes, or an OCI layout. Answers when the image is unpacked.
#[utoipa::path(
    post,
    path = "/images",
    tag = "images",
    params(ImportQuery),
    request_body(
        description = "Which image to fetch, or the archive.",
        content((PullImage = "application/json"), (Vec<u8> = "application/x-tar")),
    ),
    responses(
        (status = 201, body = ImageView),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn add_image(
    State(app): State<App>,
    caller: Caller,
    Query(ImportQuery { name }): Query<ImportQuery>,
    request: Request,
) -> Result<(StatusCode, Json<ImageView>), ApiError> {
    // Before a long upload, and before the body is looked at.
    app.control.images(&caller).await?;
    let image = if is_json(request.headers()) {
        let PullImage { reference } = parse(&whole_body(request).await?)?;
        live::unless_ended(&app, &caller, app.control.pull_image(&caller, &reference)).await??
    } else {
        let (parts, body) = request.into_parts();
        let upload = archive(&parts.headers, body)?;
        let verdict = upload.verdict();
        let archive = upload.into_stream().boxed();
        let taken_in = app.control.import_image(&caller, name.as_deref(), archive);
        live::unless_ended(&app, &caller, taken_in).await?.map_err(|error| verdict.on(error))?
    };
    Ok((StatusCode::CREATED, Json(view::image(image))))
}

/// Removes an image from this machine.
#[utoipa::path(
    delete,
    path = "/images/{id}",
    tag = "images",
    params(("id" = String, Path, description = "The image.")),
    responses(
        (status = 204, description = "Removed."),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn remove_image(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.control.remove_image(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body as an image archive, if it is announced as one.
fn archive(headers: &HeaderMap, body: Body) -> Result<Upload, ApiError> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type != "application/x-tar" {
        let detail = "the body is announced neither as JSON nor as an archive";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_type", detail)
            .mend("send `content-type: application/json` to pull, `application/x-tar` to import"));
    }
    Upload::new(headers, body, ARCHIVE_MAX)
}
