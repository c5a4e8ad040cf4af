//! The web interface: the built `ui/dist` inside the executable.

mod encoding;

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, STRICT_TRANSPORT_SECURITY, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rust_embed::RustEmbed;

use crate::app::App;
use crate::error::ApiError;

/// The page that every path of the web interface begins with.
const PAGE: &str = "index.html";
/// What the browser may load: files of ours and nothing else. Style attributes are free, because they
/// cannot load or run anything here.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
     img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'",
);
/// Files with a hash in their name never change.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Everything else is asked for anew; its entity tag makes that cheap.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// One year.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Shown instead of the interface by an executable that was built without it.
const PLACEHOLDER: &str = include_str!("ui/placeholder.html");

/// One file of the web interface.
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Changes when they do.
    pub hash: [u8; 32],
}

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../ui/dist"]
#[allow_missing = true]
struct Dist;

/// A file of the interface that was built in.
pub(crate) fn embedded(path: &str) -> Option<Asset> {
    let file = Dist::get(path)?;
    Some(Asset { hash: file.metadata.sha256_hash(), bytes: file.data })
}

/// Answers a request for anything that is not the API.
pub(crate) fn serve(app: &App, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = format!("`{}` takes only GET", request.uri().path());
        let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
            .mend("the API lives below /api/v1")
            .into_response();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let path = request.uri().path().trim_start_matches('/');
    let mut response = match find(app, path, request.headers()) {
        Some(file) => file.answer(request.headers()),
        None if path.starts_with("assets/") => {
            let what = format!("file `/{path}`");
            return ApiError::missing(&what, "reload the page: it belongs to an older release")
                .into_response();
        }
        None => placeholder(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    if app.is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    response
}

/// A file in the form the browser takes best.
struct Found {
    asset: Asset,
    encoding: Option<&'static str>,
    media_type: &'static str,
    cache: HeaderValue,
}

fn find(app: &App, path: &str, headers: &HeaderMap) -> Option<Found> {
    let (path, cache) = match path {
        _ if path.starts_with("assets/") => (path, FOR_EVER),
        "" => (PAGE, ASK_AGAIN),
        // Compressed copies are not files of their own, and nothing hidden is meant to be seen.
        _ if is_plain(path) && (app.ui)(path).is_some() => (path, ASK_AGAIN),
        _ => (PAGE, ASK_AGAIN),
    };
    if !is_plain(path) {
        return None;
    }
    let plain = (app.ui)(path)?;
    let accepted = encoding::accepted(&headers.get_all(ACCEPT_ENCODING));
    let compressed = accepted
        .into_iter()
        .find_map(|(name, suffix)| (app.ui)(&format!("{path}{suffix}")).map(|asset| (asset, Some(name))));
    let (asset, encoding) = compressed.unwrap_or((plain, None));
    Some(Found { asset, encoding, media_type: encoding::media_type(path), cache })
}

fn is_plain(path: &str) -> bool {
    let is_compressed = [".br", ".gz"].iter().any(|suffix| path.ends_with(suffix));
    !is_compressed
        && !path.contains(['\\', '%', '\0'])
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

impl Found {
    fn answer(self, asked: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", hex::encode(self.asset.hash.get(..16).unwrap_or_default()));
        let is_known = asked.get_all(IF_NONE_MATCH).iter().any(|header| {
            header
                .to_str()
                .is_ok_and(|list| list.split(',').any(|item| item.trim().trim_start_matches("W/") == tag))
        });
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let length = self.asset.bytes.len();
            let mut response = Response::new(match self.asset.bytes {
                Cow::Borrowed(bytes) => Body::from(bytes),
                Cow::Owned(bytes) => Body::from(bytes),
            });
            let headers = response.headers_mut();
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
            if let Some(encoding) = self.encoding {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, self.cache);
        headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        response
    }
}

/// Says how to build what is not there.
fn placeholder() -> Response {
    let mut response = (StatusCode::OK, PLACEHOLDER).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, ASK_AGAIN);
    response
}
