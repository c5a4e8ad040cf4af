//! The web interface's files.

use std::borrow::Cow;

use http::Method;
use web::Asset;

use crate::app::TestApp;
use crate::sockets;

/// A small built interface.
fn dist(path: &str) -> Option<Asset> {
    let text = match path {
        "index.html" => "<!doctype html><title>Hearth</title>",
        "index.html.br" => "brotli page",
        "assets/app-1a2b.js" => "console.log(1)",
        "assets/app-1a2b.js.br" => "brotli script",
        "assets/app-1a2b.js.gz" => "gzip script",
        "favicon.svg" => "<svg/>",
        _ => return None,
    };
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&(text.len() as u64 * 31 + path.len() as u64).to_be_bytes());
    Some(Asset { bytes: Cow::Borrowed(text.as_bytes()), hash })
}

fn nothing(_: &str) -> Option<Asset> {
    None
}

async fn app() -> TestApp {
    TestApp::start_as("http://hearth.test/", |app| app.with_ui(dist)).await
}

#[tokio::test]
async fn every_page_is_the_one_page_and_asked_for_anew() {
    let app = app().await;

    for path in
        ["/", "/workspaces", "/w/ws_1", "/index.html", "/setup?token=x", "/a.b/c", "/assets", "/apiary"]
    {
        let answer = app.get(path).send().await.expect(200);

        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        assert!(answer.body.starts_with(b"<!doctype"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn files_with_a_hash_stay_and_unknown_ones_are_missing() {
    let app = app().await;

    let known = app.get("/assets/app-1a2b.js").send().await.expect(200);
    let unknown = app.get("/assets/app-old.js").send().await;

    assert_eq!(known.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(known.header("content-type"), "text/javascript; charset=utf-8");
    unknown.problem(404, "not_found");
    assert_eq!(unknown.header("cache-control"), "no-store");
    assert_eq!(app.get("/favicon.svg").send().await.header("content-type"), "image/svg+xml");
}

#[tokio::test]
async fn the_smallest_form_the_browser_takes_is_sent() {
    let app = app().await;
    let get =
        |accepted: &'static str| app.get("/assets/app-1a2b.js").header("accept-encoding", accepted).send();

    let (both, gzip, none, refused) = (
        get("gzip, deflate, br").await,
        get("gzip").await,
        get("identity").await,
        get("br;q=0, gzip;q=0.5").await,
    );

    assert_eq!((both.header("content-encoding"), &both.body[..]), ("br", &b"brotli script"[..]));
    assert_eq!((gzip.header("content-encoding"), &gzip.body[..]), ("gzip", &b"gzip script"[..]));
    assert_eq!((none.header("content-encoding"), &none.body[..]), ("", &b"console.log(1)"[..]));
    assert_eq!(refused.header("content-encoding"), "gzip");
    assert_eq!(both.header("vary"), "accept-encoding");
    assert_ne!(both.header("etag"), gzip.header("etag"));
    assert_eq!(both.header("content-type"), "text/javascript; charset=utf-8");
}

#[tokio::test]
async fn a_known_file_is_not_sent_again() {
    let app = app().await;
    let first = app.get("/").send().await.expect(200);

    let second = app.get("/").header("if-none-match", first.header("etag")).send().await.expect(304);
    let third = app.get("/").header("if-none-match", "\"other\"").send().await.expect(200);

    assert!(second.body.is_empty());
    assert_eq!(second.header("etag"), first.header("etag"));
    assert!(!third.body.is_empty());
}

#[tokio::test]
async fn nothing_but_looking_is_taken() {
    let app = app().await;

    let answer = app.call(Method::POST, "/workspaces").send().await;

    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET, HEAD");
    assert!(app.call(Method::HEAD, "/").send().await.expect(200).body.is_empty());
}

#[tokio::test]
async fn no_path_leads_out_of_the_interface() {
    let app = app().await;

    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..\\Cargo.toml",
        "//etc/passwd",
        "/.env",
        "/index.html.br",
        "/assets/app-1a2b.js.br",
        "/assets/%00",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", app.address);
        let answer = sockets::raw(app.address, request.as_bytes()).await;
        let is_page = answer.starts_with("HTTP/1.1 200 ") && answer.contains("<!doctype html><title>Hearth");
        assert!(is_page || answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_server_without_the_interface_says_how_to_build_it() {
    let app = TestApp::start_as("http://hearth.test/", |app| app.with_ui(nothing)).await;

    let answer = app.get("/").send().await.expect(200);

    assert!(String::from_utf8_lossy(&answer.body).contains("npm run build"));
    app.get("/assets/app.js").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn over_tls_the_browser_is_told_to_stay_there() {
    let plain = app().await;
    let tls = TestApp::start_as("https://hearth.test/", |app| app.with_ui(dist)).await;

    assert_eq!(plain.get("/").send().await.header("strict-transport-security"), "");
    assert!(tls.get("/").send().await.header("strict-transport-security").starts_with("max-age="));
}
