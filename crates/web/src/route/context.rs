//! What a pasted address means.
use axum::extract::State;
use domain::Caller;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{ContextView, ResolveContext};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Json;
use crate::openapi::errors::{Always, ByForge, Guarded, Named, Timely, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(resolve_context))
}

/// Says what the address of any page of a forge means: the repository, what to check out, and why.
///
/// The forge is asked with the caller's own account. 409 `link_needed` and `scope_missing` name the forge
/// whose account, or what grant, would help.
#[utoipa::path(
    post,
    path = "/contexts",
    tag = "workspaces",
    request_body = ResolveContext,
    responses(
        (status = 200, body = ContextView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
        ByForge,
    ),
)]
pub(crate) async fn resolve_context(
    State(app): State<App>,
    caller: Caller,
    Json(ResolveContext { url }): Json<ResolveContext>,
) -> Result<Json<ContextView>, ApiError> {
    Ok(Json(view::context(app.control.resolve_context(&caller, &url).await?)))
}
