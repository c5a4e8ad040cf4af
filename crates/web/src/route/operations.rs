//! The server itself: what the machine gives, who did what, versions.
use axum::extract::State;
use axum::response::IntoResponse;
use domain::Caller;
use http::header::CONTENT_TYPE;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{AuditView, Doctor, Page, Version};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::openapi::errors::{Always, Guarded};
use crate::page::{self, PageQuery};
use crate::{openapi, view};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_doctor))
        .routes(routes!(list_audit))
        .routes(routes!(show_version))
        .routes(routes!(show_openapi))
}

/// Names what the machine gives and lacks, and how to mend it.
#[utoipa::path(
    get,
    path = "/doctor",
    tag = "operations",
    responses(
        (status = 200, body = Doctor),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn show_doctor(State(app): State<App>, caller: Caller) -> Result<Json<Doctor>, ApiError> {
    Ok(Json(view::doctor(app.control.doctor(&caller).await?)))
}

/// Lists who did what, latest first.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "operations",
    params(PageQuery),
    responses(
        (status = 200, body = Page<AuditView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_audit(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AuditView>>, ApiError> {
    let limit = query.limit()?;
    let entries = app.control.audit(&caller, query.after()?, limit.saturating_add(1)).await?;
    Ok(Json(page::cut(entries.into_iter().map(view::audit).collect(), limit, |entry| entry.id.to_string())))
}

/// Tells which release this is, and where people reach it.
#[utoipa::path(
    get,
    path = "/version",
    tag = "operations",
    security(()),
    responses(
        (status = 200, body = Version),
        Always,
    ),
)]
pub(crate) async fn show_version(State(app): State<App>) -> Json<Version> {
    Json(Version {
        version: env!("CARGO_PKG_VERSION").into(),
        agent_protocol: wire::agent::PROTOCOL,
        public_url: app.public_url.to_string(),
    })
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    security(()),
    responses(
        (status = 200, description = "OpenAPI 3.1.", content_type = "application/json"),
        Always,
    ),
)]
pub(crate) async fn show_openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::text())
}
