//! The certificate the double serves HTTPS with, and the authority that signed it.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate for `127.0.0.1` and `localhost`, signed by a certificate authority of the test.
#[derive(Clone)]
pub struct Tls {
    ca_pem: String,
    pub(super) config: Arc<rustls::ServerConfig>,
}

impl Tls {
    /// Makes an authority of its own.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn new() -> Self {
        Self::signed_by(&authority("GitLab double CA"))
    }

    /// Takes the authority the test has.
    ///
    /// # Panics
    ///
    /// When the authority cannot sign.
    pub fn signed_by(authority: &CertifiedIssuer<'_, KeyPair>) -> Self {
        let key = KeyPair::generate().expect("a key");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("names of the certificate");
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, authority).expect("a signature of the authority");
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions of the provider")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("the key fits the certificate");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { ca_pem: authority.pem(), config: Arc::new(config) }
    }

    /// The certificate of the authority, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes a certificate authority with this name.
///
/// # Panics
///
/// When no key can be made.
pub fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a self-signed CA")
}
