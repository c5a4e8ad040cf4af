//! The proxy git talks to: HTTP/1.1 on a loopback port.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::git_http::is_git;
use super::{Egress, Never};

/// Connections at the same time. More wait until one ends.
const CONNECTIONS: usize = 64;
/// Ports tried one after the other before any will do: below those the kernel gives out by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const TRIES: u16 = 16;

/// Headers that mean one connection and not the message.
const OF_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    EXPECT,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

type Answer = Response<UnsyncBoxBody<Bytes, hyper::Error>>;

impl Egress {
    /// The proxy's address, which listens from the first time this is asked.
    pub(crate) async fn address(&self) -> io::Result<String> {
        let port = self
            .inner
            .port
            .get_or_try_init(|| async {
                let listener = bind(&self.inner.workspace).await?;
                let port = listener.local_addr()?.port();
                // Lives as long as the agent.
                tokio::spawn(accept(listener, self.clone()));
                Ok::<_, io::Error>(port)
            })
            .await?;
        Ok(format!("http://127.0.0.1:{port}"))
    }
}

/// Binds the same port after every restart, if it is free: git's configuration names it.
async fn bind(workspace: &str) -> io::Result<TcpListener> {
    // FNV-1a; only spread matters, for workspaces that share a network.
    let hash = workspace.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let span = PORTS.end - PORTS.start - TRIES;
    let first = PORTS.start + u16::try_from(hash % u64::from(span)).unwrap_or(0);
    for port in first..first + TRIES {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return Ok(listener);
        }
    }
    TcpListener::bind(("127.0.0.1", 0)).await
}

async fn accept(listener: TcpListener, egress: Egress) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((io, _)) => {
                let egress = egress.clone();
                // Ends with the connection, and its tunnel with it.
                tokio::spawn(async move {
                    serve(io, egress).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept git's connection");
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
}

async fn serve(io: TcpStream, egress: Egress) {
    // Without it small packets wait for one another; a failure only makes things slower.
    drop(io.set_nodelay(true));
    let tunnel = Arc::new(std::sync::Mutex::new(None));
    let slot = tunnel.clone();
    let service = service_fn(move |request| {
        let (egress, slot) = (egress.clone(), slot.clone());
        async move {
            Never::Ok(if request.method() == Method::CONNECT {
                let (answer, wanted) = connect(&egress, request).await;
                if let Ok(mut slot) = slot.lock() {
                    *slot = wanted;
                }
                answer
            } else {
                relay(&egress, request).await
            })
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(error = %error, "git's connection ended");
    }
    let wanted = tunnel.lock().ok().and_then(|mut slot| slot.take());
    if let Some(Tunnel { upgrade, mut server }) = wanted
        && let Ok(upgraded) = upgrade.await
    {
        // How it ended is between git and the forge.
        drop(tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut server).await);
    }
}

/// A connection that becomes a tunnel once its answer was sent.
struct Tunnel {
    upgrade: hyper::upgrade::OnUpgrade,
    server: tokio::io::DuplexStream,
}

async fn connect(egress: &Egress, mut request: Request<Incoming>) -> (Answer, Option<Tunnel>) {
    let target = request.uri().authority().and_then(|to| Some((to.host().to_owned(), to.port_u16()?)));
    let Some((host, port)) = target else {
        return (say(StatusCode::BAD_REQUEST, "name a host and a port to connect to"), None);
    };
    match egress.connect(bare(&host), port).await {
        Ok(server) => {
            let upgrade = hyper::upgrade::on(&mut request);
            (say(StatusCode::OK, ""), Some(Tunnel { upgrade, server }))
        }
        Err(why) => (say(StatusCode::FORBIDDEN, &why), None),
    }
}

async fn relay(egress: &Egress, request: Request<Incoming>) -> Answer {
    let uri = request.uri();
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority().cloned()) else {
        return say(StatusCode::BAD_REQUEST, "this is a proxy for git; it has nothing of its own");
    };
    if !is_git(request.method(), uri) {
        let why = "only git's own requests may leave the workspace through the server";
        return say(StatusCode::FORBIDDEN, why);
    }
    let port = authority.port_u16().unwrap_or(80);
    let server = match egress.connect(bare(authority.host()), port).await {
        Ok(server) => server,
        Err(why) => return say(StatusCode::FORBIDDEN, &why),
    };
    match pass_on(request, authority.as_str(), server).await {
        Ok(answer) => answer,
        Err(error) => {
            say(StatusCode::BAD_GATEWAY, &format!("the connection to {authority} broke off: {error}"))
        }
    }
}

/// Sends the request through `server` and answers what comes back.
async fn pass_on(
    request: Request<Incoming>,
    authority: &str,
    server: tokio::io::DuplexStream,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(server)).await?;
    // Ends with the answer's last byte: there is one request on it.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %error, "relayed connection ended");
        }
    });
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    strip(&mut head.headers);
    // What was asked for decides, not what the process claims: the server allowed that host only.
    if let Ok(host) = HeaderValue::from_str(authority.rsplit('@').next().unwrap_or(authority)) {
        head.headers.insert(HOST, host);
    }
    let (mut head, body) = sender.send_request(Request::from_parts(head, body)).await?.into_parts();
    strip(&mut head.headers);
    Ok(Response::from_parts(head, body.boxed_unsync()))
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

/// An address of the sixth version without its brackets.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// An answer of the proxy's own. Git shows plain text to its user.
fn say(status: StatusCode, text: &str) -> Answer {
    let body = if text.is_empty() { Bytes::new() } else { Bytes::from(format!("{text}\n")) };
    let mut answer = Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = status;
    if !text.is_empty() {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    answer
}
