//! Connects once.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::error::DialError;
use super::post::Http;
use super::route::{Io, Route};
use super::xhr::{OpenError, XhrTransport};
use crate::context::Context;
use crate::peer::Peer;
use crate::service::Service;
use crate::sockjs::Frame;
use crate::transport::BoxTransport;
use crate::web_socket::{self, BATCH_MAX, Framing, Pace, Watched, WebSocketTransport};

/// How long connecting may take, all of it. What Kite's other implementations wait.
const LIMIT: Duration = Duration::from_secs(15);
/// How long a server may take no byte.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// How often a WebSocket is pinged. Below the half minute after which proxies begin to cut quiet connections.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// What to connect by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transports {
    /// Raw WebSocket; where that is refused, SockJS over WebSocket; where that is, too, polling.
    #[default]
    Auto,
    /// A WebSocket at the address itself, as this crate's and kite.js's servers have it.
    WebSocket,
    /// SockJS over WebSocket, as Kites in Go have it.
    SockJsWebSocket,
    /// SockJS over plain requests, where proxies let no WebSocket through.
    XhrPolling,
}

/// How to reach a kite; cheap to clone, and may be used again.
#[derive(Clone)]
pub struct Dialer {
    /// `http` or `https`; with what the server's name is and where below it the kite is.
    url: Url,
    route: Route,
    transports: Transports,
    headers: HeaderMap,
    limit: Duration,
    heartbeat: Duration,
}

impl Dialer {
    /// By the kite's address, such as `https://host/kite`. `ws` and `wss` mean the same as `http` and `https`.
    ///
    /// # Errors
    ///
    /// [`DialError::Address`] for what is none.
    pub fn new(address: &str) -> Result<Self, DialError> {
        let url = parse(address)?;
        let route = Route::to(&url)?;
        Ok(Self {
            url,
            route,
            transports: Transports::Auto,
            headers: HeaderMap::new(),
            limit: LIMIT,
            heartbeat: HEARTBEAT,
        })
    }

    /// Through a Unix socket of this machine; `path` is the kite's path behind it, such as `/kite`.
    ///
    /// # Errors
    ///
    /// [`DialError::Address`] when that is no path.
    pub fn unix(socket: impl Into<PathBuf>, path: &str) -> Result<Self, DialError> {
        let dialer = Self::new(&format!("http://localhost/{}", path.trim_start_matches('/')))?;
        Ok(Self { route: Route::unix(socket.into()), ..dialer })
    }

    /// The same by other transports.
    #[must_use]
    pub fn by(self, transports: Transports) -> Self {
        Self { transports, ..self }
    }

    /// The same, trusting the certificate authorities of a PEM text besides the public ones and those of earlier
    /// calls. What the text has besides certificates is passed over.
    ///
    /// # Errors
    ///
    /// [`DialError::Config`] when the text has no certificate, or one that cannot be read.
    pub fn trusting(self, pem: &str) -> Result<Self, DialError> {
        Ok(Self { route: self.route.clone().trusting(pem)?, ..self })
    }

    /// The same with a header in every request.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same with a bearer token in every request's `Authorization`.
    ///
    /// # Errors
    ///
    /// [`DialError::Config`] when it cannot stand in a header.
    pub fn bearer(self, token: &str) -> Result<Self, DialError> {
        let value = zeroize::Zeroizing::new(format!("Bearer {token}"));
        let mut value = HeaderValue::from_str(&value).map_err(|_| DialError::Config("token"))?;
        value.set_sensitive(true);
        Ok(self.header(AUTHORIZATION, value))
    }

    /// The same with another limit for connecting, instead of 15 s. With [`Transports::Auto`] each transport
    /// gets a third of it.
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The same with another time between pings, instead of 25 s. A server that answers none ends the connection
    /// after at most twice this time.
    #[must_use]
    pub fn heartbeat(self, heartbeat: Duration) -> Self {
        Self { heartbeat, ..self }
    }

    /// The kite's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address as errors name it: without its query, which may have a secret; the path for a Unix socket.
    pub(super) fn address(&self) -> String {
        if let Some(socket) = self.route.socket() {
            return socket.display().to_string();
        }
        let mut url = self.url.clone();
        url.set_query(None);
        url.into()
    }

    /// Connects, and serves `service` to the other end on a task of its own, which ends with the connection.
    ///
    /// # Errors
    ///
    /// [`DialError`].
    pub async fn dial(&self, service: &Service, context: Context) -> Result<Peer, DialError> {
        let transport = self.connect(service.limits().message_bytes).await?;
        let (peer, connection) = service.serve(transport, context);
        tokio::spawn(connection);
        Ok(peer)
    }

    /// Connects. The transport takes messages of at most `message_bytes`.
    ///
    /// # Errors
    ///
    /// [`DialError`]. With [`Transports::Auto`], the one that tells most.
    pub async fn connect(&self, message_bytes: usize) -> Result<BoxTransport, DialError> {
        let ways: &[Transports] = match self.transports {
            Transports::Auto => &[Transports::WebSocket, Transports::SockJsWebSocket, Transports::XhrPolling],
            Transports::WebSocket => &[Transports::WebSocket],
            Transports::SockJsWebSocket => &[Transports::SockJsWebSocket],
            Transports::XhrPolling => &[Transports::XhrPolling],
        };
        let limit = self.limit / u32::try_from(ways.len()).unwrap_or(1);
        let mut best: Option<DialError> = None;
        for way in ways {
            let attempt = self.connect_by(*way, message_bytes);
            let error = match tokio::time::timeout(limit, attempt).await {
                Ok(Ok(transport)) => return Ok(transport),
                Ok(Err(error)) => error,
                Err(_) => DialError::TimedOut(self.address()),
            };
            let is_last = !error.may_fall_back();
            if best.as_ref().is_none_or(|best| !best.is_verdict() && error.is_verdict()) {
                best = Some(error);
            }
            if is_last {
                break;
            }
        }
        Err(best.unwrap_or_else(|| DialError::TimedOut(self.address())))
    }

    async fn connect_by(&self, way: Transports, message_bytes: usize) -> Result<BoxTransport, DialError> {
        let pace = Pace { heartbeat: self.heartbeat, write_timeout: WRITE_LIMIT, message_bytes };
        match way {
            Transports::Auto | Transports::WebSocket => {
                let socket = self.web_socket(&self.url, Framing::Raw, pace).await?;
                Ok(Box::new(WebSocketTransport::new(socket, Framing::Raw, pace)))
            }
            Transports::SockJsWebSocket => {
                let url = below(&session(&self.url)?, "websocket");
                let mut socket = self.web_socket(&url, Framing::SockJsClient, pace).await?;
                expect_open(&mut socket).await?;
                Ok(Box::new(WebSocketTransport::new(socket, Framing::SockJsClient, pace)))
            }
            Transports::XhrPolling => {
                let session = session(&self.url)?;
                let http = Http::new(self.route.clone(), self.headers.clone());
                let opened = XhrTransport::open(http, &session, message_bytes).await;
                let transport = opened.map_err(|fault| match fault {
                    OpenError::Refused(status, body) => DialError::refused(self.address(), status, &body),
                    OpenError::Dial(error) => error,
                })?;
                Ok(Box::new(transport))
            }
        }
    }

    async fn web_socket(&self, url: &Url, framing: Framing, pace: Pace) -> Result<Socket, DialError> {
        let address = || DialError::Address(url.to_string());
        let mut url = url.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).map_err(|()| address())?;
        let uri: Uri = url.as_str().parse().map_err(|_| address())?;
        let mut request = uri.into_client_request().map_err(|_| address())?;
        request.headers_mut().extend(self.headers.clone());
        let io = Watched::new(self.route.open().await?, pace.write_timeout);
        let config = web_socket::config(framing, pace.message_bytes);
        match client_async_with_config(request, io, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(WsError::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(DialError::refused(self.address(), response.status(), body))
            }
            Err(other) => Err(DialError::Protocol(other.to_string())),
        }
    }
}

type Socket = WebSocketStream<Watched<Box<dyn Io>>>;

fn parse(address: &str) -> Result<Url, DialError> {
    let wrong = || DialError::Address(address.to_owned());
    let mut url = Url::parse(address).map_err(|_| wrong())?;
    let scheme = match url.scheme() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        _ => return Err(wrong()),
    };
    url.set_scheme(scheme).map_err(|()| wrong())?;
    url.set_fragment(None);
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated with its password in a log.
        return Err(DialError::Address(format!("{scheme}://…@{}", url.host_str().unwrap_or_default())));
    }
    Ok(url)
}

/// A new session's address. Its id is long and random, because whoever knows it may be taken for us.
fn session(url: &Url) -> Result<Url, DialError> {
    let missing = |_| DialError::Config("random generator");
    let server = getrandom::u32().map_err(missing)? % 1000;
    let (one, other) = (getrandom::u64().map_err(missing)?, getrandom::u64().map_err(missing)?);
    Ok(below(url, &format!("{server:03}/{one:016x}{other:016x}")))
}

/// An address below another, whose query stays.
pub(super) fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    below
}

async fn expect_open(socket: &mut Socket) -> Result<(), DialError> {
    loop {
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(_)) | None => return Err(DialError::Protocol(String::from("no greeting"))),
            Some(Err(error)) => return Err(DialError::Protocol(error.to_string())),
        };
        return greeted(text.as_str());
    }
}

/// Whether a session's first frame opens it.
pub(super) fn greeted(frame: &str) -> Result<(), DialError> {
    match Frame::parse(frame, BATCH_MAX) {
        Some(Frame::Open) => Ok(()),
        Some(Frame::Close(close)) => Err(DialError::Protocol(format!("closed at once: {}", close.reason))),
        Some(Frame::Heartbeat | Frame::Messages(_)) | None => {
            Err(DialError::Protocol(String::from("no greeting")))
        }
    }
}

#[cfg(test)]
mod tests;
