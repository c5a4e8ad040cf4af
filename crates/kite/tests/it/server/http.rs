//! A small browser.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

/// A keep-alive connection. Dropping it cuts the connection.
pub(crate) struct Browser {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Browser {
    pub(crate) async fn open(address: SocketAddr, from: Option<IpAddr>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0)).unwrap();
        }
        let tcp = socket.connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(tcp)).await.unwrap();
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self { sender, driver }
    }

    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let (status, headers, body) = self.begin(method, path, headers, body).await;
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// The answer's head, and its body as it comes.
    pub(crate) async fn begin(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> (StatusCode, HeaderMap, Incoming) {
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert("host", "localhost".parse().unwrap());
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        self.sender.ready().await.unwrap();
        let (head, body) = self.sender.send_request(request).await.unwrap().into_parts();
        (head.status, head.headers, body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

pub(crate) async fn request(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    Browser::open(address, None).await.request(method, path, headers, body.to_owned()).await
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, Method::GET, path, &[], "").await
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    request(address, Method::POST, path, &[], body).await
}
