//! A server with a handler that repeats what it hears.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::OriginalUri;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use http::request::Parts;
use kite::Context;
use kite::server::{Closing, Endpoint, Handler, Refusal, Settings, serve};
use kite::transport::BoxTransport;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Far above what anything takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Repeats each message; `close` makes it close, `flood N` answer N long messages, `deaf` read no more.
#[derive(Default)]
pub(crate) struct Echo {
    refuse: Option<StatusCode>,
    paths: Mutex<Vec<String>>,
}

impl Echo {
    pub(crate) fn refusing(status: StatusCode) -> Self {
        Self { refuse: Some(status), ..Self::default() }
    }

    /// How often somebody was judged.
    pub(crate) fn accepted(&self) -> usize {
        self.paths.lock().unwrap().len()
    }

    /// The whole paths of those who were judged.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }
}

#[async_trait]
impl Handler for Echo {
    async fn accept(&self, head: &Parts) -> Result<Context, Refusal> {
        let path = head.extensions.get::<OriginalUri>().map_or(head.uri.path(), |uri| uri.0.path());
        self.paths.lock().unwrap().push(path.to_owned());
        match self.refuse {
            Some(status) => Err((status, String::from("not you"))),
            None => Ok(Context::default()),
        }
    }

    async fn serve(&self, mut transport: BoxTransport, context: Context) {
        let closing = context.get::<Closing>().unwrap().0.clone();
        loop {
            let message = tokio::select! {
                message = transport.next() => message,
                () = closing.cancelled() => break,
            };
            let Some(Ok(message)) = message else { return };
            if message == "close" {
                break;
            } else if message == "deaf" {
                closing.cancelled().await;
                break;
            } else if let Some(count) = message.strip_prefix("flood ") {
                for number in 0..count.parse().unwrap() {
                    let long = format!("{number} {}", "x".repeat(10_000));
                    if transport.send(long).await.is_err() {
                        return;
                    }
                }
            } else if transport.send(message).await.is_err() {
                return;
            }
        }
        drop(transport.close().await);
    }
}

/// Never ends, whatever it is told.
pub(crate) struct Deaf;

#[async_trait]
impl Handler for Deaf {
    async fn accept(&self, _: &Parts) -> Result<Context, Refusal> {
        Ok(Context::default())
    }

    async fn serve(&self, _transport: BoxTransport, _: Context) {
        std::future::pending::<()>().await;
    }

    fn address(&self, _: &Parts) -> Option<IpAddr> {
        None
    }
}

/// A running server.
pub(crate) struct Stand {
    pub(crate) address: SocketAddr,
    pub(crate) endpoint: Endpoint,
    pub(crate) echo: Arc<Echo>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Stand {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::with(Echo::default(), settings).await
    }

    pub(crate) async fn with(echo: Echo, settings: Settings) -> Self {
        let echo = Arc::new(echo);
        let endpoint = Endpoint::with(echo.clone(), settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, endpoint.clone(), stop.clone()));
        Self { address, endpoint, echo, stop, served }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Stops the server and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap();
    }
}

/// Serves any router, for as long as the test runs.
pub(crate) async fn serve_router(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// Says something of each kind and hears it again.
pub(crate) async fn assert_echoes(mut transport: BoxTransport) {
    for message in ["{}", "é\u{2028}\"\\\u{1}", "", &"x".repeat(100_000)] {
        transport.send(message.to_owned()).await.unwrap();
        assert_eq!(transport.next().await.unwrap().unwrap(), message);
    }
    for number in 0..100 {
        transport.send(number.to_string()).await.unwrap();
    }
    for number in 0..100 {
        assert_eq!(transport.next().await.unwrap().unwrap(), number.to_string());
    }
    transport.close().await.unwrap();
}
