//! The caller's accounts on forges, and signing in with one.
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use control::{Begun, LinkWish};
use domain::{Caller, LinkId};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{
    CreateLink, IntegrationView, LinkBegun, Page, Redirect, SignInOption, SignInOptions, SignInWith,
};

use crate::app::App;
use crate::attempt_cookie;
use crate::crossing::OnHostOf;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, ByForge, Guarded, Named, Open, Timely, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_in_options))
        .routes(routes!(sign_in_with))
        .routes(routes!(list_integrations))
        .routes(routes!(create_link))
        .routes(routes!(remove_link))
}

/// Lists the ways to sign in.
#[utoipa::path(
    get,
    path = "/session/options",
    tag = "me",
    security(()),
    responses(
        (status = 200, body = SignInOptions),
        Always,
    ),
)]
pub(crate) async fn sign_in_options(
    State(app): State<App>,
    OnHostOf(team): OnHostOf,
) -> Result<Json<SignInOptions>, ApiError> {
    let option = |option: control::SignInOption| SignInOption {
        forge: option.forge,
        kind: option.kind,
        name: option.name,
        host: option.host,
    };
    Ok(Json(SignInOptions {
        password: app.control.password_sign_in().await?,
        forges: app.control.sign_in_options().await?.into_iter().map(option).collect(),
        team: team.map(Into::into),
    }))
}

/// Begins to sign in with a forge: the browser goes to its consent page and comes back signed in.
#[utoipa::path(
    post,
    path = "/session/forge",
    tag = "me",
    security(()),
    request_body = SignInWith,
    responses(
        (status = 201, body = Redirect, headers(("set-cookie" = String, description = "Binds the way back to this browser."))),
        Always,
        Open,
        Named,
        WithBody,
        Timely,
        ByForge,
    ),
)]
pub(crate) async fn sign_in_with(
    State(app): State<App>,
    headers: HeaderMap,
    Json(SignInWith { forge, return_to }): Json<SignInWith>,
) -> Result<Response, ApiError> {
    let begun = app.control.begin_sign_in(forge, return_to, attempt_cookie::read(&app, &headers)).await?;
    Ok(sent_away(&app, begun, |redirect| Json(redirect).into_response()))
}

/// Lists the forges there are for the caller, linked or not.
#[utoipa::path(
    get,
    path = "/me/integrations",
    tag = "me",
    responses(
        (status = 200, body = Page<IntegrationView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_integrations(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<IntegrationView>>, ApiError> {
    let found = app.control.integrations(&caller).await?;
    Ok(Json(Page::whole(found.into_iter().map(view::integration).collect())))
}

/// Begins to link an account, or to change what is granted; with a personal access token it is done at once.
#[utoipa::path(
    post,
    path = "/me/links",
    tag = "me",
    request_body = CreateLink,
    responses(
        (status = 201, body = LinkBegun, headers(("set-cookie" = String, description = "Binds the way back to this browser."))),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
        ByForge,
    ),
)]
pub(crate) async fn create_link(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(CreateLink { forge, scopes, return_to, token }): Json<CreateLink>,
) -> Result<Response, ApiError> {
    if let Some(token) = token {
        let facts = app.control.link_with_token(&caller, forge, token.into()).await?;
        let linked = LinkBegun::Linked(Box::new(view::link(facts)));
        return Ok((StatusCode::CREATED, Json(linked)).into_response());
    }
    let wish = LinkWish { forge, scopes, return_to };
    let begun = app.control.begin_link(&caller, wish, attempt_cookie::read(&app, &headers)).await?;
    Ok(sent_away(&app, begun, |redirect| Json(LinkBegun::Redirect(redirect)).into_response()))
}

/// The answer that sends a browser to a forge.
fn sent_away(app: &App, begun: Begun, document: impl FnOnce(Redirect) -> Response) -> Response {
    let mut response = document(Redirect { authorize_url: begun.authorize_url.into() });
    *response.status_mut() = StatusCode::CREATED;
    let cookie = attempt_cookie::set(app, begun.browser.expose());
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// Disconnects an account: revokes its tokens at the forge, removes the SSH key there, forgets it.
///
/// Git in the caller's workspaces is refused by that forge from this moment.
#[utoipa::path(
    delete,
    path = "/me/links/{id}",
    tag = "me",
    params(("id" = String, Path, description = "The link.")),
    responses(
        (status = 204, description = "Disconnected."),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn remove_link(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<LinkId>,
) -> Result<StatusCode, ApiError> {
    let gone = app.control.disconnect(&caller, id).await?;
    if !gone.revoked {
        tracing::info!(link = %id, "the forge has not taken the tokens back yet; it is asked again");
    }
    Ok(StatusCode::NO_CONTENT)
}
