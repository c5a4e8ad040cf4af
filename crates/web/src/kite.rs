//! Where kites connect: the registry at `/kite`, and the relays to workspaces' agents below it.
//!
//! Nothing here looks at cookies. A caller is known by what its messages carry, or by a bearer token or the local
//! socket that its connection came with.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, OriginalUri, Query, Request, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use control::{Control, RelayFull, RelayVisit};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use kite::Context;
use kite::server::{Closing, Endpoint, Handler, Refusal, Settings};
use kite::transport::BoxTransport;
use registry::{HttpAnswer, Origin};
use serde::Deserialize;
use tower::{Service, ServiceExt};
use vault::Secret;

use crate::app::App;
use crate::caller::bearer;
use crate::error::{self, ApiError};
use crate::route::agent;

/// Where the relays are; the id of the kite follows.
const RELAY: &str = "/kite/relay/";
/// Connections and polling sessions at any time, at either door. Each costs some tens of kilobytes.
const CONNECTIONS: usize = 50_000;

/// Everything for kites.
pub(crate) fn routes(app: &App) -> Router<App> {
    let registry = Endpoint::with(Arc::new(Registry(app.clone())), settings());
    let relay = Endpoint::with(Arc::new(Relay(app.clone())), settings());
    close_with(app, &registry);
    close_with(app, &relay);
    Router::new()
        .route("/kite/register", post(register))
        .route("/kite/heartbeat", get(heartbeat))
        // Where Go's kites look for them.
        .route("/register", post(register))
        .route("/heartbeat", get(heartbeat))
        .nest_service("/kite/relay/{id}", relay.router())
        .nest_service("/kite", Front { app: app.clone(), registry: registry.router() })
        .layer(map_response(error::leave))
}

/// As many connections as there may be agents and services.
fn settings() -> Settings {
    Settings { connections: CONNECTIONS, ..Settings::default() }
}

/// Ends the endpoint's connections when the server is about to go.
fn close_with(app: &App, endpoint: &Endpoint) {
    let (stop, endpoint) = (app.stop.clone(), endpoint.clone());
    tokio::spawn(async move {
        stop.cancelled().await;
        endpoint.close();
    });
}

/// At `/kite` itself: agents shake hands as agents, everybody else is the endpoint's.
#[derive(Clone)]
struct Front {
    app: App,
    registry: Router,
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { app, registry } = self.clone();
        Box::pin(async move {
            if link::handshake::is_agent(request.headers()) {
                return Ok(agent::serve_at_kite(&app, request).await.into_response());
            }
            registry.oneshot(request).await
        })
    }
}

/// The registry's door.
struct Registry(App);

#[async_trait]
impl Handler for Registry {
    async fn accept(&self, head: &Parts) -> Result<Context, Refusal> {
        Ok(Context::with(Origin { address: address(head), bearer: token(&head.headers) }))
    }

    async fn serve(&self, transport: BoxTransport, context: Context) {
        self.0.control.registry().serve(transport, context).await;
    }

    fn message_bytes(&self) -> usize {
        self.0.control.registry().service().limits().message_bytes
    }

    fn address(&self, head: &Parts) -> Option<IpAddr> {
        counted(head)
    }
}

/// The door of the relays.
struct Relay(App);

/// Which kite a connection is for, and its place among those who have not authenticated.
struct Wanted {
    id: String,
    /// Until it is served.
    visit: Mutex<Option<RelayVisit>>,
}

#[async_trait]
impl Handler for Relay {
    async fn accept(&self, head: &Parts) -> Result<Context, Refusal> {
        let path = head.extensions.get::<OriginalUri>().map_or(head.uri.path(), |uri| uri.0.path());
        let id = path.strip_prefix(RELAY).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
        let visit = self.0.control.visit_kite_relay(counted(head)).map_err(|full| {
            let status = match full {
                RelayFull::Network => StatusCode::TOO_MANY_REQUESTS,
                RelayFull::Everybody => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, full.to_string())
        })?;
        Ok(Context::with(Wanted { id, visit: Mutex::new(Some(visit)) }))
    }

    async fn serve(&self, transport: BoxTransport, context: Context) {
        let (Some(Wanted { id, visit }), Some(Closing(closing))) = (context.get(), context.get()) else {
            return;
        };
        let visit = visit.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(visit) = visit else { return };
        self.0.control.relay_kite(id, visit, transport, closing.clone()).await;
    }

    fn message_bytes(&self) -> usize {
        Control::RELAY_MESSAGE_BYTES
    }

    fn address(&self, head: &Parts) -> Option<IpAddr> {
        counted(head)
    }
}

/// Where a request comes from.
fn address(head: &Parts) -> Option<IpAddr> {
    head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

/// The address that connections are counted under: none for this machine, where everybody comes from who comes
/// through a proxy.
fn counted(head: &Parts) -> Option<IpAddr> {
    address(head).filter(|address| !address.is_loopback())
}

fn token(headers: &HeaderMap) -> Option<Secret<String>> {
    Some(bearer(headers.get(AUTHORIZATION)?)?.to_owned().into())
}

/// Registers a kite that keeps itself registered by heartbeats over HTTP.
async fn register(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let body: Bytes = crate::extract::whole_body(Request::from_parts(head.clone(), body)).await?;
    Ok(answer(app.control.registry().register_http(&body, address(&head)).await))
}

/// Whose heartbeat it is.
#[derive(Deserialize)]
struct Beat {
    id: Option<String>,
}

/// Keeps such a kite registered.
async fn heartbeat(State(app): State<App>, Query(Beat { id }): Query<Beat>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let registry = app.control.registry();
    answer(registry.beat_http(id.as_deref(), token(&head.headers), address(&head)).await)
}

/// As the original answers: text, whatever is in it.
fn answer(HttpAnswer { status, body }: HttpAnswer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    (status, [(CONTENT_TYPE, kind)], body).into_response()
}
