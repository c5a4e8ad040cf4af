//! A whole HTTP server for one endpoint, for a Kite that has none.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::endpoint::Endpoint;
use super::places::{Place, Places};
use crate::web_socket::Watched;

/// How long the head of a request may take, and how long a connection may wait for its next request. A poll is
/// a request under way and waits for longer.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// The buffer of a connection: heads above it are refused.
const HEAD_BYTES: usize = 16 << 10;
/// How long after the stop running calls may finish.
const DRAIN: Duration = Duration::from_secs(9);
/// How long after that requests may finish, which are then answered by their own.
const HANG_UP: Duration = Duration::from_secs(1);
/// How long to wait after an accept that failed, most likely for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the endpoint at `/` and, as Kites in Go are addressed, at `/kite`, until `stop` is cancelled; then
/// takes nobody new, and ends when running calls have finished or 10 s have passed. Until then it still accepts
/// connections: a polling client needs them to get its answers, and others are told that the server is stopping.
///
/// HTTP/1.1 without TLS: what faces a network belongs behind a proxy that adds it. Connections above the endpoint's
/// limits are closed at once.
pub async fn serve(listener: TcpListener, endpoint: Endpoint, stop: CancellationToken) {
    let settings = endpoint.settings();
    // A polling client has two connections for one session.
    let places = Places::new(
        settings.connections.saturating_mul(2),
        settings.connections_per_address.saturating_mul(2),
    );
    let write_timeout = settings.write_timeout;
    let router = endpoint.router().nest_service("/kite", endpoint.router());
    let tasks = TaskTracker::new();
    let hang_up = CancellationToken::new();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((tcp, address)) => {
                    // Nobody is told why: whoever opens so many connections does not read.
                    let Ok(place) = places.take(Some(address.ip().to_canonical())) else { continue };
                    let connection = Connection { address, write_timeout, place, hang_up: hang_up.clone() };
                    tasks.spawn(connection.serve(tcp, router.clone()));
                }
                Err(error) => {
                    tracing::warn!(error = %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        // Whether all finished in time makes no difference to what is left to do.
        _ = async { stop.cancelled().await; endpoint.drain(DRAIN).await } => {}
    }
    drop(listener);
    hang_up.cancel();
    tasks.close();
    // Who still reads an answer then is not waited for.
    let _ = tokio::time::timeout(HANG_UP, tasks.wait()).await;
}

struct Connection {
    address: SocketAddr,
    write_timeout: Duration,
    place: Place,
    /// Answers the request under way, then closes.
    hang_up: CancellationToken,
}

impl Connection {
    async fn serve(self, tcp: TcpStream, router: Router) {
        // Small messages must not wait for each other's acknowledgement.
        drop(tcp.set_nodelay(true));
        let address = self.address;
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            let router = router.clone();
            async move {
                Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
        });
        let mut connection = std::pin::pin!(
            hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_LIMIT)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(TokioIo::new(Watched::new(tcp, self.write_timeout)), service)
                .with_upgrades()
        );
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = self.hang_up.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(error = %error, "a client's connection broke off");
        }
        drop(self.place);
    }
}
