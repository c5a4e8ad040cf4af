//! Signed in on every sub-domain: how a browser's session gets from the main host to a team's.
//!
//! Cookies are bound to one host, so that a workspace's page below the same domain never sees them. A browser
//! that opens `acme.example.com` without a session there goes over by three redirects: `/auth/enter` on the
//! team's host gives it a cookie of its own, `/auth/cross` on the main host makes a code for exactly that browser
//! and host, and `/auth/arrive` on the team's host turns the code into a session there. A code that somebody
//! else opens is of no use: the cookie is missing.

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use axum::routing::get;
use domain::{Caller, TeamSlug};
use http::header::{COOKIE, HOST, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use url::Url;
use url::form_urlencoded::parse;
use vault::TokenHash;

use crate::app::App;
use crate::error::{ApiError, PageError};
use crate::navigation::{meant, redirect};
use crate::session_cookie::{self, Transport};

/// Time for three redirects and a sign-in on the main host.
const MAX_AGE_S: u32 = 10 * 60;
/// Longer texts are no cookies of ours.
const COOKIE_MAX: usize = 100;

/// The three redirects.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/auth/enter", get(enter))
        .route("/auth/cross", get(cross))
        .route("/auth/arrive", get(arrive))
}

/// The host a request went to, as the connection has it: never from a header that a page can set.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    if let Some(authority) = uri.authority() {
        return Some(authority.as_str());
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// The team whose host a request went to, whether there is such a team or not.
pub(crate) fn team(app: &App, uri: &Uri, headers: &HeaderMap) -> Option<TeamSlug> {
    control::team_of_host(host(uri, headers)?, &app.public_url)
}

/// Refuses a request to the host of `team` where there is no such team.
pub(crate) async fn known_team(app: &App, team: Option<TeamSlug>) -> Result<(), ApiError> {
    let Some(team) = team else { return Ok(()) };
    if app.control.team_exists(&team).await? {
        return Ok(());
    }
    let mend = format!("check the address, or begin at {}", app.public_url);
    Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", format!("there is no team `{team}` here"))
        .mend(mend))
}

/// The team whose host a request went to, for handlers.
pub(crate) struct OnHostOf(pub(crate) Option<TeamSlug>);

impl FromRequestParts<App> for OnHostOf {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(team(app, &parts.uri, &parts.headers)))
    }
}

/// On the team's host: binds the browser and sends it to the main host.
async fn enter(State(app): State<App>, request: Request) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    let team = team(&app, &parts.uri, &parts.headers).ok_or_else(not_a_team)?;
    known_team(&app, Some(team)).await?;
    let host = host(&parts.uri, &parts.headers).ok_or_else(not_a_team)?;
    // One for all tabs that go over at the same time: the last must not end the others.
    let present = read_cookie(&app, &parts.headers).filter(|text| is_ours(text)).map(str::to_owned);
    let token = present.unwrap_or_else(|| app.control.crossing_token().expose().to_owned());
    let mut url = (*app.public_url).clone();
    url.set_path("/auth/cross");
    url.query_pairs_mut()
        .clear()
        .append_pair("host", host)
        .append_pair("browser", &hex::encode(TokenHash::of(&token).as_bytes()))
        .append_pair("return_to", &value(&parts, "return_to").unwrap_or_else(|| "/".into()));
    let mut response = redirect(url.as_str());
    response.headers_mut().extend(cookie(&app, &token).map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// On the main host: makes the code, after a sign-in where there is no session.
async fn cross(State(app): State<App>, request: Request) -> Result<Response, PageError> {
    let (mut parts, _) = request.into_parts();
    meant(&parts)?;
    let (Some(host), Some(browser)) = (value(&parts, "host"), value(&parts, "browser")) else {
        return Err(not_a_team().into());
    };
    let browser = hex::decode(browser).ok().and_then(|bytes| TokenHash::from_bytes(&bytes));
    let browser = browser.ok_or_else(not_a_team)?;
    let Ok(caller) = Caller::from_request_parts(&mut parts, &app).await else {
        let here = parts.uri.path_and_query().map_or("/auth/cross", |path| path.as_str());
        let mut sign_in = (*app.public_url).clone();
        sign_in.set_path("/sign-in");
        sign_in.query_pairs_mut().clear().append_pair("return_to", here);
        return Ok(redirect(sign_in.as_str()));
    };
    let return_to = value(&parts, "return_to").unwrap_or_else(|| "/".into());
    let code = app.control.begin_handoff(&caller, &browser, &host, &return_to).await?;
    // The host was found to be ours just now.
    let there = format!("{}://{host}/auth/arrive", app.public_url.scheme());
    let mut there = Url::parse(&there).map_err(|_| not_a_team())?;
    there.query_pairs_mut().append_pair("code", code.expose());
    Ok(redirect(there.as_str()))
}

/// On the team's host: turns the code into a session.
async fn arrive(State(app): State<App>, request: Request) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    meant(&parts)?;
    let host = host(&parts.uri, &parts.headers).ok_or_else(not_a_team)?;
    let token = read_cookie(&app, &parts.headers).unwrap_or_default();
    let code = value(&parts, "code").unwrap_or_default();
    let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let over = app.control.take_handoff(&code, token, host, user_agent).await?;
    let mut response = redirect(&over.return_to);
    let transport = if app.is_https() { Transport::Tls } else { Transport::Plain };
    let session = session_cookie::set(over.signed_in.token.expose(), transport);
    response.headers_mut().extend(session.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

fn value(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query()?;
    parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn not_a_team() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "this address belongs to no team")
        .mend("begin at the start page of the server, or at the team's own address")
}

fn cookie_name(app: &App) -> &'static str {
    if app.is_https() { "__Host-hearth_crossing" } else { "hearth_crossing" }
}

/// Whether a cookie is one that [`enter`] has set.
fn is_ours(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    text.len() <= COOKIE_MAX
        && text.strip_prefix("hcrossing_").is_some_and(|rest| rest.len() >= 43 && rest.bytes().all(is_plain))
}

fn cookie(app: &App, token: &str) -> Option<HeaderValue> {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let name = cookie_name(app);
    let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={MAX_AGE_S}{secure}");
    HeaderValue::from_str(&text).ok().map(|mut value| {
        value.set_sensitive(true);
        value
    })
}

fn read_cookie<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = cookie_name(app);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|token| !token.is_empty())
}
