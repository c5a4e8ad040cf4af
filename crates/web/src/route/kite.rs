//! The kites that the caller may see, tokens for them, and whom they are shared with.
use axum::extract::State;
use axum::response::Response;
use control::KiteFilter;
use domain::Caller;
use futures_util::StreamExt;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{KiteChange, KiteShareView, KiteTokenView, KiteView, Page};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::live;
use crate::openapi::errors::{Always, Guarded, Named, Timely};
use crate::view::{self, TeamNames};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_kites))
        .routes(routes!(watch_kites))
        .routes(routes!(show_kite))
        .routes(routes!(create_kite_token))
        .routes(routes!(list_kite_shares))
        .routes(routes!(share_kite, unshare_kite))
}

/// What an id means where shares are concerned.
const SHARED: &str = "The kite's id while it is registered. Or, at any time, what the share is about: `ws_…` for the \
    agent of a workspace of the caller's, running or not; `environment/name`, its slash written `%2F`, for the \
    caller's services so called.";

/// Which kites.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Whose.
    username: Option<String>,
    /// In which environment.
    environment: Option<String>,
    /// Called what.
    name: Option<String>,
    /// Of which version, or a constraint such as `>= 1.0, < 2.0`.
    version: Option<String>,
    /// In which region.
    region: Option<String>,
    /// On which machine; of an agent, in which workspace.
    hostname: Option<String>,
    /// With which id.
    id: Option<String>,
}

/// Lists the registered kites that the caller may see.
#[utoipa::path(
    get,
    path = "/kites",
    tag = "kites",
    params(Wanted),
    responses(
        (status = 200, body = Page<KiteView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_kites(
    State(app): State<App>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<KiteView>>, ApiError> {
    let Wanted { username, environment, name, version, region, hostname, id } = wanted;
    let filter = KiteFilter { username, environment, name, version, region, hostname, id };
    let mut teams = TeamNames::default();
    let mut kites = Vec::new();
    for facts in app.control.kites(&caller, &filter).await? {
        kites.push(view::kite(&app, &mut teams, facts).await?);
    }
    Ok(Json(Page::whole(kites)))
}

/// Streams events `kite`: something about the kites that the caller may see has changed.
#[utoipa::path(
    get,
    path = "/kites/events",
    tag = "kites",
    responses(
        (
            status = 200,
            description = "Events `kite`, each with a `KiteChange`.",
            content((KiteChange = "text/event-stream")),
        ),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn watch_kites(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let changes = app.control.kite_changes(&caller).await?;
    let events = changes.map(|change| live::event("kite", &KiteChange { id: change.id }));
    Ok(live::events(&app, &caller, events))
}

/// Shows a kite.
#[utoipa::path(
    get,
    path = "/kites/{id}",
    tag = "kites",
    params(("id" = String, Path, description = "The kite.")),
    responses(
        (status = 200, body = KiteView),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn show_kite(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<KiteView>, ApiError> {
    let facts = app.control.kite(&caller, &id).await?;
    Ok(Json(view::kite(&app, &mut TeamNames::default(), facts).await?))
}

/// Makes a token with which its holder calls this kite, and no other, as the caller.
#[utoipa::path(
    post,
    path = "/kites/{id}/token",
    tag = "kites",
    params(("id" = String, Path, description = "The kite.")),
    responses(
        (status = 200, body = KiteTokenView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn create_kite_token(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<KiteTokenView>, ApiError> {
    let token = app.control.kite_token(&caller, &id).await?;
    Ok(Json(KiteTokenView {
        token: token.token.expose().clone(),
        url: token.url,
        expires_at: token.expires_at,
    }))
}

/// Lists whom a kite of the caller's is shared with.
///
/// The kite need not be registered now: it may be the agent of a stopped workspace, or a service that is away.
#[utoipa::path(
    get,
    path = "/kites/{id}/shares",
    tag = "kites",
    params(("id" = String, Path, description = SHARED)),
    responses(
        (status = 200, body = Page<KiteShareView>),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn list_kite_shares(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Page<KiteShareView>>, ApiError> {
    let shares = app.control.kite_shares(&caller, &id).await?;
    Ok(Json(Page::whole(shares.into_iter().map(view::kite_share).collect())))
}

/// Lets somebody call a kite of the caller's. Of a workspace's agent that means: do everything inside.
///
/// Of other kites it holds for all of the caller's of the same environment and name, now and later.
#[utoipa::path(
    put,
    path = "/kites/{id}/shares/{user}",
    tag = "kites",
    params(
        ("id" = String, Path, description = SHARED),
        ("user" = String, Path, description = "The person, by id or name."),
    ),
    responses(
        (status = 200, body = KiteShareView),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn share_kite(
    State(app): State<App>,
    caller: Caller,
    Path((id, user)): Path<(String, String)>,
) -> Result<Json<KiteShareView>, ApiError> {
    Ok(Json(view::kite_share(app.control.share_kite(&caller, &id, &user).await?)))
}

/// Takes that back. Connections that the person has to the kite end.
#[utoipa::path(
    delete,
    path = "/kites/{id}/shares/{user}",
    tag = "kites",
    params(
        ("id" = String, Path, description = SHARED),
        ("user" = String, Path, description = "The person, by id or name."),
    ),
    responses(
        (status = 204, description = "Taken back."),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn unshare_kite(
    State(app): State<App>,
    caller: Caller,
    Path((id, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    app.control.unshare_kite(&caller, &id, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
