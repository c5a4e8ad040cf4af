//! The way back from a forge: addresses that browsers are sent to, never programs.
//!
//! Whatever the forge says, the answer is a redirect to a page of this site; the page tells what happened.

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use axum::routing::get;
use control::{CallbackInput, CallbackOutcome, SignedIn};
use domain::Caller;
use http::header::{SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::attempt_cookie;
use crate::error::PageError;
use crate::navigation::{meant, redirect};
use crate::session_cookie::{self, Transport};

/// Longest name of a browser that is kept.
const USER_AGENT_MAX: usize = 300;

/// The addresses, ours and those that applications were registered with for other products.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/oauth/callback/{forge}", get(callback))
        .route("/oauth/callback", get(callback))
        .route("/-/oauth/gitlab/callback", get(callback))
        .route("/api/v1/connectors/gitlab/callback", get(callback))
        .route("/Home/my-account", get(my_account))
}

async fn callback(State(app): State<App>, request: Request) -> Result<Response, PageError> {
    let (mut parts, _) = request.into_parts();
    meant(&parts)?;
    let caller = Caller::from_request_parts(&mut parts, &app).await.ok();
    let outcome = app
        .control
        .callback(CallbackInput {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            browser: attempt_cookie::read(&app, &parts.headers).map(str::to_owned),
            user_agent: user_agent(&parts.headers),
            caller,
        })
        .await;
    Ok(match outcome {
        CallbackOutcome::SignedIn { signed_in, return_to, .. } => {
            let mut response = away(&app, return_to.as_str());
            response.headers_mut().extend(welcome(&app, &signed_in).map(|cookie| (SET_COOKIE, cookie)));
            response
        }
        CallbackOutcome::Linked { return_to, .. } => away(&app, return_to.as_str()),
        CallbackOutcome::Failed { return_to, code, detail, .. } => {
            tracing::info!(code, "a round trip to a forge came to nothing: {detail}");
            away(&app, return_to.as_str())
        }
    })
}

/// The address that Koding showed people for their integrations.
async fn my_account() -> Response {
    let mut response = redirect("/settings/integrations");
    *response.status_mut() = StatusCode::FOUND;
    response
}

/// On to a page of this site; the round trip's cookie has done its work.
fn away(app: &App, path: &str) -> Response {
    let mut response = redirect(path);
    response.headers_mut().extend(attempt_cookie::clear(app).map(|cookie| (SET_COOKIE, cookie)));
    response
}

fn welcome(app: &App, signed_in: &SignedIn) -> Option<HeaderValue> {
    let transport = if app.is_https() { Transport::Tls } else { Transport::Plain };
    session_cookie::set(signed_in.token.expose(), transport)
}

/// What the browser calls itself, as far as it is worth keeping.
fn user_agent(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().take(USER_AGENT_MAX).collect()
}
