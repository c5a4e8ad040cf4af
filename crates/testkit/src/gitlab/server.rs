//! Takes connections, plain or encrypted, and passes requests on: written down, with faults applied.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::faults::Fault;
use super::instance::Instance;

/// Serves until the task is aborted; connections end with it.
pub(crate) async fn serve(listener: TcpListener, router: Router, instance: Arc<Instance>) {
    let acceptor = instance.options.tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.config)));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (router, instance, acceptor) = (router.clone(), Arc::clone(&instance), acceptor.clone());
        connections.spawn(async move {
            // A client that goes away in the middle is its own affair.
            connection(stream, acceptor, router, instance).await.ok();
        });
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    instance: Arc<Instance>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, instance) = (router.clone(), Arc::clone(&instance));
        async move { answer(&instance, router, request.map(Body::new)).await }
    });
    let builder = Builder::new(TokioExecutor::new());
    match acceptor {
        Some(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await
        }
        None => builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await,
    }
}

/// Answers one request; an error cuts the connection without an answer.
async fn answer(instance: &Instance, router: Router, request: Request<Body>) -> io::Result<Response> {
    let place = instance.requests.note(request.method(), request.uri(), request.headers());
    let fault = instance.faults.take(request.method(), request.uri().path());
    let mut response = match fault {
        None => infallible(router.oneshot(request).await),
        Some(Fault::Drop) => return Err(cut()),
        Some(Fault::DropAfterApply) => {
            // The body is made as it is read, so the work is done only then.
            infallible(router.oneshot(request).await).into_body().collect().await.ok();
            return Err(cut());
        }
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            infallible(router.oneshot(request).await)
        }
        Some(Fault::DelayAfterApply(delay)) => {
            // The body is made as it is read, so the work is done only then.
            let (head, body) = infallible(router.oneshot(request).await).into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            tokio::time::sleep(delay).await;
            Response::from_parts(head, Body::from(body))
        }
        Some(other) => replaced(other),
    };
    let date = instance.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    if let Ok(id) = HeaderValue::from_str(&instance.random_hex(13)) {
        response.headers_mut().insert("x-request-id", id);
    }
    instance.requests.answered(place, response.status().as_u16());
    Ok(response)
}

fn replaced(fault: Fault) -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    match fault {
        Fault::Status(status, page) => {
            let kind =
                if page.trim_start().starts_with('<') { "text/html; charset=utf-8" } else { "text/plain" };
            let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
            (status, [(header::CONTENT_TYPE, kind)], page).into_response()
        }
        Fault::RateLimited { retry_after, plain } => rate_limited(retry_after, plain),
        Fault::Huge(size) => {
            let mut body = Vec::with_capacity(size + 2);
            body.push(b'"');
            body.resize(size + 1, b'x');
            body.push(b'"');
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        _ => (html, "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>").into_response(),
    }
}

/// GitLab's 429: plain text from the edge limiter, JSON from the application's limits.
pub(crate) fn rate_limited(retry_after: Option<u64>, plain: bool) -> Response {
    let status = http::StatusCode::TOO_MANY_REQUESTS;
    let mut response = if plain {
        (status, [(header::CONTENT_TYPE, "text/plain")], "Retry later\n").into_response()
    } else {
        let body = serde_json::json!({
            "message": { "error": "This endpoint has been requested too many times. Try again later." }
        });
        (status, axum::Json(body)).into_response()
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn infallible(result: Result<Response, Infallible>) -> Response {
    result.unwrap_or_else(|never| match never {})
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault")
}
