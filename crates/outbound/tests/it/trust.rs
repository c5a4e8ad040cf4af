//! Whose certificates are believed.

use std::sync::Arc;

use outbound::{Client, Error, Policy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::server::{Names, redirect};

/// An authority nobody knows, and a server with its certificate for `secure.test`.
async fn secure_server(answer: String) -> (String, u16) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["secure.test".into()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _length = stream.read(&mut request).await;
            let _lost = stream.write_all(answer.as_bytes()).await;
            let _lost = stream.shutdown().await;
        }
    });
    (authority.pem(), port)
}

fn url(port: u16) -> Url {
    Url::parse(&format!("https://secure.test:{port}/")).unwrap()
}

fn names() -> Arc<Names> {
    Arc::new(Names::default().name("secure.test", &[&["127.0.0.1"]]).name("other.test", &[&["127.0.0.1"]]))
}

#[tokio::test]
async fn an_authority_nobody_knows_is_not_believed() {
    let (_, port) = secure_server(crate::server::ok("")).await;
    let client = Client::builder(Policy::with_loopback()).resolver(names()).build().unwrap();

    let error = client.get(url(port)).send().await.unwrap_err();

    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(error.mend().contains("authority"), "{}", error.mend());
}

#[tokio::test]
async fn an_added_authority_is_believed_for_its_names_only() {
    let (authority, port) = secure_server(crate::server::ok("secure")).await;
    let client =
        Client::builder(Policy::with_loopback()).resolver(names()).authorities(authority).build().unwrap();

    let right = client.get(url(port)).send().await.unwrap();
    let wrong = client.get(Url::parse(&format!("https://other.test:{port}/")).unwrap()).send().await;

    assert_eq!(right.bytes().await.unwrap(), "secure");
    assert!(matches!(wrong, Err(Error::Tls { .. })), "{wrong:?}");
}

#[tokio::test]
async fn no_redirect_leads_from_encrypted_to_open() {
    let plain = crate::server::Server::start([crate::server::ok("open")]).await;
    let (authority, port) = secure_server(redirect(plain.url("/").as_str())).await;
    let client =
        Client::builder(Policy::with_loopback()).resolver(names()).authorities(authority).build().unwrap();

    let error = client.get(url(port)).send().await.unwrap_err();

    assert!(matches!(&error, Error::Refused { why, .. } if why.contains("from https to http")), "{error:?}");
    assert_eq!(plain.requests().len(), 0);
}

#[test]
fn authorities_that_are_none_are_refused() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let result = Client::builder(Policy::public_only()).authorities(pem).build();
        assert!(matches!(result, Err(Error::Refused { .. })), "{pem}");
    }
}
