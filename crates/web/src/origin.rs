//! Cross-site requests: what another site's page may not make a signed-in browser do.
//!
//! A browser says by itself where a request comes from (`Sec-Fetch-Site`, older ones `Origin`). A
//! request that carries the session cookie needs that proof to change something or to open a socket,
//! and none may come from another site or origin, not even to read.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST, ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use url::{Origin, Url};

use crate::app::App;
use crate::caller::LocalCaller;
use crate::error::ApiError;
use crate::session_cookie;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a request says it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Our own page, or the person's own hand.
    Ours,
    /// Somebody else's page.
    Foreign,
    /// No browser of today.
    Unsaid,
}

/// Refuses what other sites' pages make a browser send. Goes around the API's routes.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    // Neither can be sent by another site's page: a token needs our consent (CORS, which we never
    // give), the socket needs the machine.
    let is_deliberate =
        request.headers().contains_key(AUTHORIZATION) || request.extensions().get::<LocalCaller>().is_some();
    if is_deliberate {
        return next.run(request).await;
    }
    let has_cookie = session_cookie::read(request.headers()).is_some();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !request.headers().contains_key(UPGRADE);
    match source(&request, &app.public_url) {
        Source::Foreign if has_cookie || !is_safe => refuse("another site's page sent this request"),
        Source::Unsaid if has_cookie && !is_safe => {
            refuse("the request does not say that it comes from this server's own page")
        }
        Source::Ours | Source::Foreign | Source::Unsaid => next.run(request).await,
    }
}

fn refuse(detail: &'static str) -> Response {
    ApiError::new(StatusCode::FORBIDDEN, "cross_site", detail)
        .mend("use this server's own pages, or an API token; behind a proxy, set the public URL right")
        .into_response()
}

fn source(request: &Request, public_url: &Url) -> Source {
    let headers = request.headers();
    let said = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = said(&SEC_FETCH_SITE) {
        return if matches!(site, "same-origin" | "none") { Source::Ours } else { Source::Foreign };
    }
    match said(&ORIGIN) {
        None => Source::Unsaid,
        Some(origin) if is_ours(origin, headers, request.uri().authority(), public_url) => Source::Ours,
        Some(_) => Source::Foreign,
    }
}

/// Whether a page of that origin is ours: of the public URL, or of the host the request itself went to.
///
/// The browser writes both `Host` and `Origin`, so that they agree proves it. The scheme cannot be
/// compared: a proxy may have taken TLS off.
fn is_ours(
    origin: &str,
    headers: &HeaderMap,
    authority: Option<&http::uri::Authority>,
    public_url: &Url,
) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if !matches!(origin.scheme(), "http" | "https") || matches!(origin.origin(), Origin::Opaque(_)) {
        return false;
    }
    if origin.origin() == public_url.origin() {
        return true;
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (authority, hosts.next(), hosts.next()) {
        (Some(authority), _, _) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        (None, _, _) => return false,
    };
    Url::parse(&format!("{}://{host}/", origin.scheme())).is_ok_and(|host| host.origin() == origin.origin())
}
