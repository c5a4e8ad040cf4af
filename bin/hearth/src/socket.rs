//! WebSockets to a server, over its Unix socket, TCP or TLS.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Endpoint, Refused};

/// Any byte stream a WebSocket can run over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens `path` below `/api/v1` as a WebSocket.
pub async fn open(endpoint: &Endpoint, path: &str) -> Result<WebSocketStream<Box<dyn Stream>>> {
    let (address, token, stream): (String, Option<&str>, Box<dyn Stream>) = match endpoint {
        Endpoint::Local(socket) => {
            let stream = UnixStream::connect(socket)
                .await
                .with_context(|| format!("no server answers at `{}`", socket.display()))?;
            (format!("ws://hearth.local/api/v1{path}"), None, Box::new(stream))
        }
        Endpoint::Remote { url, token } => {
            let base = url.as_str().trim_end_matches('/').replacen("http", "ws", 1);
            (format!("{base}/api/v1{path}"), Some(token), connect(url).await?)
        }
    };
    let mut request = address.into_client_request()?;
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    }
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => {
            let status = answer.status().as_u16();
            let body = answer.body().as_deref().unwrap_or_default();
            Err(Refused::from_answer(status, body).into())
        }
        Err(error) => Err(error).context("cannot talk to the server"),
    }
}

async fn connect(url: &url::Url) -> Result<Box<dyn Stream>> {
    let host = url.host_str().context("the server's URL has no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = TcpStream::connect((host, port)).await.with_context(|| format!("cannot reach `{url}`"))?;
    tcp.set_nodelay(true)?;
    if url.scheme() != "https" {
        return Ok(Box::new(tcp));
    }
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())?;
    Ok(Box::new(tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, tcp).await?))
}
