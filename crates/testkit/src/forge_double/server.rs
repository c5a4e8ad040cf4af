//! Takes requests, writes them down, and lets the product answer.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Response;
use tokio::net::TcpListener;

use super::call::{Answer, Call, Side};
use super::world::{Request, World};

/// More than any request of a client has.
const MOST_BODY: usize = 4 << 20;

/// A free port and its address.
pub(super) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Answers until it is aborted.
pub(super) async fn serve(listener: TcpListener, side: Side, world: Arc<Mutex<World>>) {
    let router = Router::new().fallback(move |request| handle(request, side, Arc::clone(&world)));
    axum::serve(listener, router).await.expect("a listener");
}

async fn handle(request: axum::http::Request<Body>, side: Side, world: Arc<Mutex<World>>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY).await else {
        return Answer::empty(413).into_response();
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let call = Call::new(side, head.method.as_str(), path, query, head.headers, text);
    let mut world = world.lock().expect("no panic while it is held");
    world.requests.push(Request {
        method: call.method.clone(),
        target: head.uri.to_string(),
        authorization: Some(call.header("authorization").to_owned()).filter(|text| !text.is_empty()),
        body: call.text.clone(),
    });
    let ordered = world.ordered.pop_front();
    ordered.unwrap_or_else(|| super::answer(&mut world, &call)).into_response()
}
