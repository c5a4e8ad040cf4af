//! How the parts of the edge hang together, outermost last.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use domain::Caller;
use http::StatusCode;
use tower::Layer;
use utoipa_axum::router::OpenApiRouter;
use wire::api::BASE;

use crate::app::App;
use crate::caller::LocalCaller;
use crate::error::{ApiError, PageError};
use crate::{callback, crossing, edge, headers, idempotency, kite, origin, probe, route, ui};

/// Longest body of a request in JSON: 1 MiB. Uploads are streamed and have limits of their own.
pub(crate) const JSON_MAX: usize = 1 << 20;

/// Everything the server offers on its address: API, probes, web interface.
pub fn router(app: App) -> Router {
    let (api, _) = OpenApiRouter::new().nest(BASE, route::all()).split_for_parts();
    Router::new()
        .merge(
            api.route_layer(from_fn_with_state(app.clone(), idempotency::repeat))
                .route_layer(from_fn_with_state(app.clone(), origin::guard)),
        )
        .merge(callback::routes())
        .merge(crossing::routes())
        .merge(kite::routes(&app))
        .route("/healthz", get(probe::healthz))
        .route("/readyz", get(probe::readyz))
        .route("/metrics", get(probe::metrics))
        .fallback(from_outside_the_api)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(JSON_MAX))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(app.clone(), edge::frame))
        .with_state(app)
}

/// The same for the Unix socket in the data folder, where everybody who gets in is `caller`.
///
/// Cheap after the first time, so that every connection can have its own.
pub fn local_router(app: App, caller: Caller) -> Router {
    let slot = app.local.clone();
    // The state inside has an empty slot of its own: holding itself, it would never be dropped.
    let shared = slot.get_or_init(move || router(App { local: Arc::default(), ..app })).clone();
    Router::new().fallback_service(Extension(LocalCaller(caller)).layer(shared))
}

/// A path that is no route: of the web interface, unless it is meant for the API or went to the host of a
/// team that does not exist.
async fn from_outside_the_api(State(app): State<App>, request: Request) -> Response {
    if request.uri().path() == "/api" || request.uri().path().starts_with("/api/") {
        let what = format!("route `{}`", request.uri().path());
        return ApiError::missing(&what, "compare with /api/v1/openapi.json").into_response();
    }
    let is_asset = request.uri().path().starts_with("/assets/");
    let team = crossing::team(&app, request.uri(), request.headers()).filter(|_| !is_asset);
    if let Err(error) = crossing::known_team(&app, team).await {
        return PageError::from(error).into_response();
    }
    ui::serve(&app, &request)
}

async fn method_not_allowed(request: Request) -> ApiError {
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!("`{path}` does not take `{method}`");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        .mend("use one of the methods in the header `Allow`")
}
