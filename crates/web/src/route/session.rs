//! Set-up, signing in and out.
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use control::SignedIn;
use domain::Caller;
use http::header::{SET_COOKIE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{Me, SetUp, SetupState, SignIn};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Json;
use crate::openapi::errors::{Always, Guarded, Paced, Timely, WithBody};
use crate::session_cookie::{self, Transport};
use crate::view;

/// Longest name of a browser that is kept.
const USER_AGENT_MAX: usize = 300;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_setup, set_up)).routes(routes!(sign_in, sign_out))
}

/// Tells whether the platform still waits for its first administrator.
#[utoipa::path(
    get,
    path = "/setup",
    tag = "setup",
    security(()),
    responses(
        (status = 200, body = SetupState),
        Always,
    ),
)]
pub(crate) async fn show_setup(State(app): State<App>) -> Result<Json<SetupState>, ApiError> {
    Ok(Json(SetupState { needed: app.control.setup_needed().await? }))
}

/// Makes the first administrator and signs in.
///
/// Works once, with the one-time link that the server prints at its first start.
#[utoipa::path(
    post,
    path = "/setup",
    tag = "setup",
    security(()),
    request_body = SetUp,
    responses(
        (status = 201, body = Me, headers(("set-cookie" = String, description = "The session."))),
        Always,
        WithBody,
        Timely,
        Guarded,
    ),
)]
pub(crate) async fn set_up(
    State(app): State<App>,
    headers: HeaderMap,
    Json(wish): Json<SetUp>,
) -> Result<Response, ApiError> {
    let wish = control::SetUp {
        token: wish.token,
        name: wish.name,
        password: wish.password.into(),
        email: wish.email,
        user_agent: user_agent(&headers),
    };
    let signed_in = app.control.set_up(wish).await?;
    Ok((StatusCode::CREATED, welcome(&app, signed_in)).into_response())
}

/// Signs in with a password.
#[utoipa::path(
    post,
    path = "/session",
    tag = "me",
    security(()),
    request_body = SignIn,
    responses(
        (status = 200, body = Me, headers(("set-cookie" = String, description = "The session."))),
        Always,
        WithBody,
        Guarded,
        Paced,
    ),
)]
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Json(SignIn { name, password }): Json<SignIn>,
) -> Result<Response, ApiError> {
    let signed_in = app.control.sign_in(&name, password.into(), &user_agent(&headers)).await?;
    Ok(welcome(&app, signed_in))
}

/// Ends the caller's session.
#[utoipa::path(
    delete,
    path = "/session",
    tag = "me",
    responses(
        (status = 204, description = "Signed out."),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn sign_out(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    app.control.sign_out(&caller).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(session_cookie::clear(transport(&app)).map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// Hands a fresh session to the browser.
fn welcome(app: &App, SignedIn { user, token }: SignedIn) -> Response {
    let mut response = Json(view::signed_in(user)).into_response();
    let cookie = session_cookie::set(token.expose(), transport(app));
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

fn transport(app: &App) -> Transport {
    if app.is_https() { Transport::Tls } else { Transport::Plain }
}

/// What the browser calls itself, as far as it is worth keeping.
fn user_agent(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().take(USER_AGENT_MAX).collect()
}
