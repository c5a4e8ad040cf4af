//! One keep-alive HTTP/1.1 connection, dialled again when it has gone.

use std::io;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;
use url::{Position, Url};

use super::error::DialError;
use super::route::Route;
use crate::transport::TransportError;

/// Posts, one request after the other.
pub(super) struct Http {
    route: Route,
    headers: HeaderMap,
    connection: Option<Connection>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Http {
    pub(super) fn new(route: Route, headers: HeaderMap) -> Self {
        Self { route, headers, connection: None }
    }

    /// Another connection to the same place.
    pub(super) fn another(&self) -> Self {
        Self::new(self.route.clone(), self.headers.clone())
    }

    /// Posts a body and answers the status and at most `max_bytes` of the answer's body.
    ///
    /// A request is never repeated that may have arrived.
    pub(super) async fn post(
        &mut self,
        url: &Url,
        body: Bytes,
        max_bytes: usize,
    ) -> Result<(StatusCode, Bytes), PostError> {
        let mut request = self.request(url, body)?;
        loop {
            let (mut connection, is_new) = match self.connection.take() {
                Some(connection) if connection.sender.is_ready() => (connection, false),
                _ => (self.open().await.map_err(PostError::Dial)?, true),
            };
            let answered = match connection.sender.try_send_request(request).await {
                Ok(answered) => answered,
                Err(mut error) => match error.take_message() {
                    // The server closed it while it was idle, and never saw the request.
                    Some(unsent) if !is_new => {
                        request = unsent;
                        continue;
                    }
                    _ => return Err(PostError::broken(error.into_error())),
                },
            };
            let status = answered.status();
            let body = Limited::new(answered.into_body(), max_bytes).collect().await;
            let body = body.map_err(PostError::broken)?.to_bytes();
            self.connection = Some(connection);
            return Ok((status, body));
        }
    }

    fn request(&self, url: &Url, body: Bytes) -> Result<Request<Full<Bytes>>, PostError> {
        let address = || PostError::Dial(DialError::Address(url.to_string()));
        let host =
            HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(|_| address())?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        let path = &url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = path.parse().map_err(|_| address())?;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
        headers.extend(self.headers.clone());
        Ok(request)
    }

    async fn open(&self) -> Result<Connection, DialError> {
        let io = TokioIo::new(self.route.open().await?);
        let (sender, connection) =
            handshake(io).await.map_err(|error| DialError::Protocol(error.to_string()))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told.
            drop(connection.await);
        });
        Ok(Connection { sender, driver })
    }
}

/// Why there is no answer.
pub(super) enum PostError {
    /// There is no connection.
    Dial(DialError),
    /// It broke off.
    Broken(TransportError),
}

impl PostError {
    fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(TransportError::Io(io::Error::new(io::ErrorKind::ConnectionReset, error)))
    }

    pub(super) fn into_dial(self) -> DialError {
        match self {
            Self::Dial(error) => error,
            Self::Broken(error) => DialError::Protocol(error.to_string()),
        }
    }

    pub(super) fn into_transport(self) -> TransportError {
        match self {
            Self::Dial(error) => TransportError::Io(io::Error::other(error)),
            Self::Broken(error) => error,
        }
    }
}
