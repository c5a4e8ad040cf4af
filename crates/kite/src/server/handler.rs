//! Who decides what becomes of a connection.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use http::request::Parts;
use tokio_util::sync::CancellationToken;

use super::address::{self, PeerAddress};
use crate::context::Context;
use crate::service::Service;
use crate::transport::BoxTransport;

/// Why somebody may not connect: the status and one line of text that they get.
pub type Refusal = (StatusCode, String);

/// Judges and serves the connections of an [`Endpoint`](super::Endpoint).
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Judges a connection's first request: its path, as the outer server saw it in
    /// [`OriginalUri`](axum::extract::OriginalUri), and its headers. The answered context goes to
    /// [`Handler::serve`].
    ///
    /// # Errors
    ///
    /// What the client gets instead of a connection.
    async fn accept(&self, head: &Parts) -> Result<Context, Refusal>;

    /// Serves one connection until it ends. It should end soon once [`Closing`], which is in the context, is
    /// cancelled.
    async fn serve(&self, transport: BoxTransport, context: Context);

    /// Bytes of the longest message taken. 1 MiB if the handler does not say.
    fn message_bytes(&self) -> usize {
        1 << 20
    }

    /// Where a request comes from, for limits and for binding a session to its client. A server behind a proxy
    /// overrides it; `None` counts under no address.
    fn address(&self, head: &Parts) -> Option<IpAddr> {
        address::of(head)
    }
}

/// Cancelled when the endpoint stops.
#[derive(Debug, Clone)]
pub struct Closing(pub CancellationToken);

/// How long running calls get to finish when the endpoint stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Everybody may connect; its methods judge every call. Handlers find the [`PeerAddress`] in the context.
#[async_trait]
impl Handler for Service {
    async fn accept(&self, head: &Parts) -> Result<Context, Refusal> {
        Ok(self.address(head).map_or_else(Context::default, |address| Context::with(PeerAddress(address))))
    }

    async fn serve(&self, transport: BoxTransport, context: Context) {
        let closing = context.get::<Closing>().map(|closing| closing.0.clone());
        let (peer, connection) = Service::serve(self, transport, context);
        let drain = async {
            match closing {
                Some(closing) => closing.cancelled_owned().await,
                None => std::future::pending().await,
            }
            peer.drain(DRAIN).await;
            // The connection ends by itself now.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = connection => {}
            () = drain => {}
        }
    }

    fn message_bytes(&self) -> usize {
        self.limits().message_bytes
    }
}
