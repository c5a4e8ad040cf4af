//! The agent's end: one connection out, to wherever the server is.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, handshake::client::Request};
use url::Url;
use wire::agent::{AgentConfig, CONNECT_PATH, KITE_PATH, PROTOCOL, PROTOCOL_HEADER, WORKSPACE_HEADER};

use crate::byte_stream::{ByteStream, config};
use crate::handshake::Way;
use crate::text_plane::TextPlane;

/// How long connecting may take, handshakes and all.
const LIMIT: Duration = Duration::from_secs(20);

/// Anything bytes go through both ways.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Why the server was not reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address is of no known form.
    #[error("`{0}` is not an address of a server; it looks like `unix:/path` or `wss://host`")]
    Address(String),
    /// A certificate or header from the configuration is unusable.
    #[error("cannot use the {0} of the configuration")]
    Config(&'static str),
    /// Nobody answers there.
    #[error("cannot connect to `{server}`")]
    Connect {
        /// The address.
        server: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It answered, and not with an upgrade: the status, such as 401 for a credential it does not know.
    #[error("the server refused the connection with status {0}")]
    Refused(u16),
    /// It answered something that is no WebSocket handshake.
    #[error("the server does not speak the protocol")]
    Handshake(#[source] Box<WsError>),
    /// No answer in time.
    #[error("the server did not answer within {}s", LIMIT.as_secs())]
    TimedOut,
}

/// A connection to the server.
pub struct Dialled {
    /// The byte plane, to serve HTTP/2 on.
    pub bytes: ByteStream<Box<dyn Io>>,
    /// The text plane, unless the server is of protocol 1.
    pub text: Option<TextPlane>,
}

impl Dialled {
    /// Which protocol is spoken on this connection.
    pub fn protocol(&self) -> u32 {
        if self.text.is_some() { PROTOCOL } else { PROTOCOL - 1 }
    }
}

/// Connects to the server: with a text plane beside the bytes, or the old way where that is all it knows.
///
/// # Errors
///
/// [`DialError`]; all but `Address` and `Config` may work when tried again.
pub async fn dial(config: &AgentConfig) -> Result<Dialled, DialError> {
    let both = async {
        match dial_by(config, Way::Kite).await {
            Err(DialError::Refused(status)) if is_unknown_there(status) => dial_by(config, Way::Old).await,
            dialled => dialled,
        }
    };
    tokio::time::timeout(LIMIT, both).await.unwrap_or(Err(DialError::TimedOut))
}

/// Whether a server that answered the handshake with this status does not know what it is. One of protocol 1
/// answers `/kite` with a page of its web interface.
fn is_unknown_there(status: u16) -> bool {
    matches!(status, 200 | 404 | 405 | 426)
}

async fn dial_by(config: &AgentConfig, way: Way) -> Result<Dialled, DialError> {
    let server = &config.server;
    let refused = |source| DialError::Connect { server: server.clone(), source };
    if let Some(path) = server.strip_prefix("unix:") {
        let io = UnixStream::connect(path).await.map_err(refused)?;
        return shake_hands(config, way, "ws://localhost", Box::new(io)).await;
    }
    let address = || DialError::Address(server.clone());
    let mut url = Url::parse(server).map_err(|_| address())?;
    let is_secure = match url.scheme() {
        "wss" | "https" => true,
        "ws" | "http" => false,
        _ => return Err(address()),
    };
    // Between two schemes of the same kind this cannot be refused.
    url.set_scheme(if is_secure { "wss" } else { "ws" }).map_err(|()| address())?;
    let host = url.host_str().ok_or_else(address)?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or_else(address)?;
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(refused)?;
    tcp.set_nodelay(true).map_err(refused)?;
    let io: Box<dyn Io> = if is_secure {
        let name = ServerName::try_from(host).map_err(|_| address())?;
        Box::new(tls(config)?.connect(name, tcp).await.map_err(refused)?)
    } else {
        Box::new(tcp)
    };
    shake_hands(config, way, url.as_str().trim_end_matches('/'), io).await
}

async fn shake_hands(
    agent: &AgentConfig,
    way: Way,
    base: &str,
    io: Box<dyn Io>,
) -> Result<Dialled, DialError> {
    let request = request(agent, way, base)?;
    match tokio_tungstenite::client_async_with_config(request, io, Some(config())).await {
        Ok((socket, _)) => Ok(match way {
            Way::Kite => {
                let (bytes, text) = ByteStream::with_text(socket);
                Dialled { bytes, text: Some(text) }
            }
            Way::Old => Dialled { bytes: ByteStream::new(socket), text: None },
        }),
        Err(WsError::Http(response)) => Err(DialError::Refused(response.status().as_u16())),
        Err(WsError::Io(source)) => Err(DialError::Connect { server: agent.server.clone(), source }),
        Err(other) => Err(DialError::Handshake(Box::new(other))),
    }
}

fn request(agent: &AgentConfig, way: Way, base: &str) -> Result<Request, DialError> {
    let (path, protocol) = match way {
        Way::Kite => (KITE_PATH, PROTOCOL),
        Way::Old => (CONNECT_PATH, PROTOCOL - 1),
    };
    let uri: Uri = format!("{base}{path}").parse().map_err(|_| DialError::Address(agent.server.clone()))?;
    let mut request = uri.into_client_request().map_err(|_| DialError::Address(agent.server.clone()))?;
    let headers = request.headers_mut();
    let mut token =
        HeaderValue::from_str(&format!("Bearer {}", agent.token)).map_err(|_| DialError::Config("token"))?;
    token.set_sensitive(true);
    headers.insert(AUTHORIZATION, token);
    let workspace = HeaderValue::from_str(&agent.workspace).map_err(|_| DialError::Config("workspace id"))?;
    headers.insert(WORKSPACE_HEADER, workspace);
    headers.insert(PROTOCOL_HEADER, HeaderValue::from(protocol));
    debug_assert!(headers.contains_key(HOST), "tungstenite writes it");
    Ok(request)
}

/// The public roots and whatever the configuration adds to them.
fn tls(config: &AgentConfig) -> Result<TlsConnector, DialError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(config.ca_pem.as_deref().unwrap_or_default().as_bytes())
    {
        let certificate = certificate.map_err(|_| DialError::Config("extra certificates"))?;
        roots.add(certificate).map_err(|_| DialError::Config("extra certificates"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| DialError::Config("TLS versions"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
