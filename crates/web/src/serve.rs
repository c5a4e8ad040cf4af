//! Connections: accepting them, bounding what each may cost, ending them in order.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

/// How long a client has to send a request's head. Whoever needs longer holds a connection for nothing.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How often a quiet HTTP/2 connection is asked whether it lives, and how long it has to answer.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Longest head of a request, several times what browsers send with all their cookies.
const HEAD_MAX: u32 = 64 << 10;
/// Requests at the same time on one HTTP/2 connection.
const STREAMS: u32 = 256;
/// Pause after a connection could not be accepted: out of descriptors, most likely.
const PAUSE: Duration = Duration::from_millis(100);

/// The router, with the address of the client in every request.
type Addressed = <Extension<ConnectInfo<SocketAddr>> as Layer<Router>>::Service;

/// Serves `router` until `stop`, then waits until the requests under way have been answered.
///
/// # Errors
///
/// When the listener's address cannot be read, which means it is not listening.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    tracing::debug!(address = %listener.local_addr()?, "serving");
    let builder = connection_builder();
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let service = Extension(ConnectInfo(address)).layer(router.clone());
                connections.spawn(attend(builder.clone(), stream, service, stop.clone()));
            }
            // The client left again before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

fn connection_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_MAX as usize)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_MAX);
    builder
}

/// One connection, until it ends by itself or everything on it has been answered after `stop`.
async fn attend(
    builder: Builder<TokioExecutor>,
    stream: TcpStream,
    service: Addressed,
    stop: CancellationToken,
) {
    // A key press is one small packet, and must not wait for the next.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays with delays");
    }
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}
