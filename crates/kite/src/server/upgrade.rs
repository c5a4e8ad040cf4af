//! From an upgraded HTTP connection to a transport.

use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::transport::BoxTransport;
use crate::web_socket::{Framing, Pace, WebSocketTransport};

/// How long the answer to the handshake may take to go out.
const LIMIT: Duration = Duration::from_secs(10);

/// The transport; `None` when the client has left.
pub(super) async fn web_socket(upgraded: OnUpgrade, framing: Framing, pace: Pace) -> Option<BoxTransport> {
    let io = match tokio::time::timeout(LIMIT, upgraded).await {
        Ok(Ok(io)) => io,
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "a client left during its WebSocket handshake");
            return None;
        }
        Err(_) => return None,
    };
    Some(Box::new(WebSocketTransport::server(TokioIo::new(io), framing, pace).await))
}
