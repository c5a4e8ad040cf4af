//! The caller's own account: password and sessions.
use axum::extract::State;
use domain::{Caller, SessionId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{ChangePassword, Me, Page, SessionView};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Paced, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_me))
        .routes(routes!(change_password))
        .routes(routes!(list_sessions))
        .routes(routes!(revoke_session))
}

/// Shows who the caller is.
#[utoipa::path(
    get,
    path = "/me",
    tag = "me",
    responses(
        (status = 200, body = Me),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn show_me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let user = app.control.me(&caller).await?;
    Ok(Json(view::me(user, &caller)))
}

/// Changes the caller's password. Ends the caller's other sessions.
#[utoipa::path(
    put,
    path = "/me/password",
    tag = "me",
    request_body = ChangePassword,
    responses(
        (status = 204, description = "Changed."),
        Always,
        Guarded,
        WithBody,
        Paced,
    ),
)]
pub(crate) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Json(ChangePassword { old, new }): Json<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    app.control.change_password(&caller, old.map(Into::into), new.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists where the caller is signed in.
#[utoipa::path(
    get,
    path = "/me/sessions",
    tag = "me",
    responses(
        (status = 200, body = Page<SessionView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_sessions(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<SessionView>>, ApiError> {
    let mut views = vec![];
    for session in app.control.sessions(&caller).await? {
        let with = match session.forge {
            Some(forge) => app.control.forge_name(forge).await?,
            None => None,
        };
        views.push(view::session(session, with, &caller));
    }
    Ok(Json(Page::whole(views)))
}

/// Ends one of the caller's sessions, its open streams and terminals included.
#[utoipa::path(
    delete,
    path = "/me/sessions/{id}",
    tag = "me",
    params(("id" = String, Path, description = "The session.")),
    responses(
        (status = 204, description = "Ended."),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn revoke_session(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    app.control.revoke_session(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
