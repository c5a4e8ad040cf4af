//! Authorities and TLS servers as a test wants them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;
use vault::Secret;

/// An authority nobody knows.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate with its key.
    pub(crate) fn client(&self) -> Secret<String> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().signed_by(&key, &self.0).unwrap();
        Secret::new(format!("{}{}", certificate.pem(), key.serialize_pem()))
    }
}

/// When a server's certificate is valid.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

pub(crate) struct Secure<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) validity: Validity,
    /// Whose clients are admitted; anybody's without.
    pub(crate) clients: Option<&'a Authority>,
    pub(crate) answer: String,
}

impl<'a> Secure<'a> {
    pub(crate) fn new(authority: &'a Authority, answer: String) -> Self {
        Self { authority, validity: Validity::Now, clients: None, answer }
    }

    /// A server with a certificate for `secure.test`; gives its port.
    pub(crate) async fn start(self) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["secure.test".into()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "a server");
        match self.validity {
            Validity::Now => {}
            Validity::Past => params.not_after = date_time_ymd(2020, 1, 1),
            Validity::Future => params.not_before = date_time_ymd(4000, 1, 1),
        }
        let certificate = params.signed_by(&key, &self.authority.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = match self.clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let answer = self.answer;
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match acceptor.accept(stream).into_fallible().await {
                    Ok(mut stream) => {
                        let mut request = [0; 4096];
                        let _length = stream.read(&mut request).await;
                        let _lost = stream.write_all(answer.as_bytes()).await;
                        let _lost = stream.shutdown().await;
                    }
                    // Reads on, so that the alert arrives and no reset overtakes it.
                    Err((_, mut stream)) => {
                        let _lost = stream.shutdown().await;
                        let _length = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                    }
                }
            }
        });
        port
    }
}

pub(crate) fn url(host: &str, port: u16) -> Url {
    Url::parse(&format!("https://{host}:{port}/")).unwrap()
}
