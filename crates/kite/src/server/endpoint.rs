//! Everything below one address.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::response::Response;
use axum::routing::any;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cors::{allow, answer, empty, preflight, text};
use super::handler::{Closing, Handler};
use super::places::{Full, Places};
use super::receive::{Shape, receive};
use super::send::send;
use super::session::Session;
use super::sessions::{Found, Name, Owner, Sessions};
use super::settings::Settings;
use super::upgrade;
use crate::sockjs::{self, Route};
use crate::web_socket::Framing;
use crate::web_socket::handshake::Upgrade;

/// Where Kites connect; cheap to clone. Must be used within a Tokio runtime.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    handler: Arc<dyn Handler>,
    settings: Settings,
    sessions: Sessions,
    places: Places,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Endpoint {
    /// An endpoint with the usual [`Settings`].
    pub fn new(handler: Arc<dyn Handler>) -> Self {
        Self::with(handler, Settings::default())
    }

    /// An endpoint with settings of one's own.
    pub fn with(handler: Arc<dyn Handler>, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            handler,
            sessions: Sessions::default(),
            places: Places::new(settings.connections, settings.connections_per_address),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            settings,
        }))
    }

    /// Its routes, for `nest_service("/kite", endpoint.router())`: that serves `/kite`, `/kite/` and what is below.
    /// (`nest` does not bring `/kite/` here.) The connection below must allow upgrades, and
    /// `into_make_service_with_connect_info::<SocketAddr>` tells where clients come from.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", any(respond))
            .route("/{*rest}", any(respond))
            .fallback(respond)
            .with_state(self.clone())
    }

    /// How many connections and sessions there are.
    pub fn connections(&self) -> usize {
        self.0.places.taken()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Takes nobody new and asks handlers to finish: see [`Closing`].
    pub fn close(&self) {
        self.0.closing.cancel();
        self.0.tasks.close();
    }

    /// [`Endpoint::close`], and waits for the end of everything. Answers whether that came within `limit`.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.close();
        tokio::time::timeout(limit, self.0.tasks.wait()).await.is_ok()
    }
}

/// One request, whatever it asks for.
async fn respond(State(Endpoint(endpoint)): State<Endpoint>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Some(place) = sockjs::locate(head.uri.path()) else { return empty(StatusCode::NOT_FOUND) };
    let headers = head.headers.clone();
    let mut response = match place {
        sockjs::Place::Root => match Upgrade::read(&head.method, &head.headers) {
            Some(upgrade) => endpoint.upgrade(head, upgrade, Framing::Raw).await,
            None => only(&head.method, "OPTIONS, GET", greet),
        },
        sockjs::Place::Info => only(&head.method, "OPTIONS, GET", inform),
        sockjs::Place::Session { route: Route::WebSocket, .. } => {
            match Upgrade::read(&head.method, &head.headers) {
                Some(upgrade) => endpoint.upgrade(head, upgrade, Framing::SockJsServer).await,
                None => text(StatusCode::BAD_REQUEST, "Can \"Upgrade\" only to \"WebSocket\".\n"),
            }
        }
        sockjs::Place::Session { session, route } => {
            let prefix = prefix(&head);
            let name = Name { prefix, id: session.to_owned() };
            endpoint.session(head, body, name, route).await
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        allow(&headers, response.headers_mut());
    }
    response
}

/// What the path had before the endpoint's part.
fn prefix(head: &Parts) -> String {
    let whole = head.extensions.get::<OriginalUri>().map_or(head.uri.path(), |original| original.0.path());
    whole.strip_suffix(head.uri.path()).unwrap_or_default().to_owned()
}

fn greet() -> Response {
    answer(StatusCode::OK, "text/plain; charset=UTF-8", "Welcome to SockJS!\n")
}

fn inform() -> Response {
    // Clients seed their choice of session ids with it; one that is not random makes those guessable only.
    let entropy = getrandom::u32().unwrap_or_default();
    let info = serde_json::json!({
        "websocket": true, "cookie_needed": false, "origins": ["*:*"], "entropy": entropy,
    });
    answer(StatusCode::OK, "application/json; charset=UTF-8", info.to_string())
}

/// Answers a request of one of the methods, a preflight, or 405.
fn only(method: &Method, methods: &'static str, get: fn() -> Response) -> Response {
    match *method {
        Method::GET | Method::HEAD => get(),
        Method::OPTIONS => preflight(methods),
        _ => not_allowed(methods),
    }
}

fn not_allowed(methods: &'static str) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

fn full(full: Full) -> Response {
    let status = match full {
        Full::All => StatusCode::SERVICE_UNAVAILABLE,
        Full::Address => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = text(status, &format!("{full}\n"));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn closing() -> Response {
    text(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n")
}

impl Inner {
    /// A WebSocket, if the handler says so.
    async fn upgrade(
        self: &Arc<Self>,
        mut head: Parts,
        upgrade: Result<Upgrade, crate::web_socket::handshake::BadUpgrade>,
        framing: Framing,
    ) -> Response {
        let upgrade = match upgrade {
            Ok(upgrade) => upgrade,
            Err(bad) => return text(bad.status(), &format!("{bad}\n")),
        };
        let Some(upgraded) = head.extensions.remove::<hyper::upgrade::OnUpgrade>() else {
            return text(
                StatusCode::UPGRADE_REQUIRED,
                "a WebSocket needs a connection of HTTP/1.1 by itself\n",
            );
        };
        if self.closing.is_cancelled() {
            return closing();
        }
        let place = match self.places.take(self.handler.address(&head)) {
            Ok(place) => place,
            Err(none) => return full(none),
        };
        let context = match self.handler.accept(&head).await {
            Ok(context) => context.and(Closing(self.closing.clone())),
            Err((status, why)) => return text(status, &format!("{why}\n")),
        };
        let (handler, pace) = (self.handler.clone(), self.settings.pace(self.handler.message_bytes()));
        self.tasks.spawn(async move {
            if let Some(transport) = upgrade::web_socket(upgraded, framing, pace).await {
                handler.serve(transport, context).await;
            }
            drop(place);
        });
        upgrade.accept()
    }

    /// A request of a session of requests.
    async fn session(
        self: &Arc<Self>,
        head: Parts,
        body: axum::body::Body,
        name: Name,
        route: Route,
    ) -> Response {
        let (method, methods) = match route {
            Route::EventSource => (Method::GET, "OPTIONS, GET"),
            _ => (Method::POST, "OPTIONS, POST"),
        };
        if head.method == Method::OPTIONS {
            return preflight(methods);
        }
        if head.method != method {
            return not_allowed(methods);
        }
        let owner = Owner::of(self.handler.address(&head), &head.headers);
        let found = self.sessions.find(&name, &owner);
        let shape = match route {
            Route::Xhr => Shape::Poll,
            Route::XhrStreaming => Shape::Stream,
            Route::EventSource => Shape::Events,
            Route::XhrSend | Route::WebSocket => {
                let Found::Session(session) = found else { return empty(StatusCode::NOT_FOUND) };
                // JSON in a JSON string is up to about twice as long.
                let body_bytes = self.handler.message_bytes().saturating_mul(2);
                return send(&session, body, body_bytes, self.settings.request_timeout).await;
            }
        };
        let found = match found {
            Found::Nothing => self.open(&head, name, &owner).await,
            found => Ok(found),
        };
        match found {
            Ok(Found::Session(session)) => receive(&session, shape, &self.settings).await,
            Ok(Found::Foreign | Found::Nothing) => empty(StatusCode::NOT_FOUND),
            Err(refusal) => refusal,
        }
    }

    /// A new session, if the handler says so.
    async fn open(self: &Arc<Self>, head: &Parts, name: Name, owner: &Owner) -> Result<Found, Response> {
        if self.closing.is_cancelled() {
            return Err(closing());
        }
        let place = self.places.take(self.handler.address(head)).map_err(full)?;
        let context = match self.handler.accept(head).await {
            Ok(context) => context.and(Closing(self.closing.clone())),
            Err((status, why)) => return Err(text(status, &format!("{why}\n"))),
        };
        let session = Session::new(&self.settings);
        match self.sessions.enter(&name, owner, &session) {
            Found::Nothing => {}
            somebody_was_faster => return Ok(somebody_was_faster),
        }
        let transport = Box::new(session.transport());
        let (endpoint, kept) = (self.clone(), session.clone());
        self.tasks.spawn(async move {
            let service = endpoint.handler.serve(transport, context);
            endpoint.sessions.keep(name, kept, service, &endpoint.settings, &endpoint.closing).await;
            drop(place);
        });
        Ok(Found::Session(session))
    }
}
