//! The way to a server: TCP, TLS or a Unix socket, whatever is then spoken on it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use url::Url;

use super::error::DialError;

/// Anything bytes go through both ways.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Where connections are made to; cheap to clone.
#[derive(Clone)]
pub(super) struct Route {
    end: End,
    tls: Option<Tls>,
}

/// How TLS is spoken, and with which authorities.
#[derive(Clone)]
struct Tls {
    config: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
}

#[derive(Clone)]
enum End {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Route {
    /// By what the address says.
    pub(super) fn to(url: &Url) -> Result<Self, DialError> {
        let address = || DialError::Address(url.to_string());
        let is_secure = matches!(url.scheme(), "wss" | "https");
        let host = url.host_str().ok_or_else(address)?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or_else(address)?;
        let public = || RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = if is_secure { Some(Tls::with(public())?) } else { None };
        Ok(Self { end: End::Tcp { host, port }, tls })
    }

    /// Through a socket of this machine, without TLS.
    pub(super) fn unix(path: PathBuf) -> Self {
        Self { end: End::Unix(path), tls: None }
    }

    /// The same, trusting the certificate authorities of a PEM text besides those of before.
    pub(super) fn trusting(self, pem: &str) -> Result<Self, DialError> {
        let extra = certificates(pem)?;
        let Some(before) = self.tls else { return Ok(self) };
        let mut roots = RootCertStore::clone(&before.roots);
        for certificate in extra {
            roots.add(certificate).map_err(|_| UNUSABLE)?;
        }
        Ok(Self { tls: Some(Tls::with(roots)?), ..self })
    }

    pub(super) async fn open(&self) -> Result<Box<dyn Io>, DialError> {
        let refused = |source: io::Error| DialError::Connect { server: self.to_text(), source };
        let (host, port) = match &self.end {
            End::Unix(path) => return Ok(Box::new(UnixStream::connect(path).await.map_err(refused)?)),
            End::Tcp { host, port } => (host.as_str(), *port),
        };
        let tcp = TcpStream::connect((host, port)).await.map_err(refused)?;
        tcp.set_nodelay(true).map_err(refused)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| DialError::Address(self.to_text()))?;
        Ok(Box::new(TlsConnector::from(tls.config.clone()).connect(name, tcp).await.map_err(refused)?))
    }

    /// The socket's path, if it is one.
    pub(super) fn socket(&self) -> Option<&Path> {
        match &self.end {
            End::Tcp { .. } => None,
            End::Unix(path) => Some(path),
        }
    }

    fn to_text(&self) -> String {
        match &self.end {
            End::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            End::Tcp { host, port } => format!("{host}:{port}"),
            End::Unix(path) => path.display().to_string(),
        }
    }
}

/// What is said of a text whose certificates cannot be used, or that has none.
const UNUSABLE: DialError = DialError::Config("extra certificates");

/// The certificates of a PEM text, at least one. Other sections and what stands between are passed over, as usual
/// for bundles.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|_| UNUSABLE)?;
    if found.is_empty() { Err(UNUSABLE) } else { Ok(found) }
}

impl Tls {
    fn with(roots: RootCertStore) -> Result<Self, DialError> {
        let roots = Arc::new(roots);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| DialError::Config("TLS versions"))?
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), roots })
    }
}
