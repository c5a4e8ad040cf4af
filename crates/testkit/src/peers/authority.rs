//! A certificate authority of a test's own, as companies have one inside.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority that nobody trusts who was not told to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Internal test authority");
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// Its own certificate, PEM: what is to be trusted.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes a certificate for this machine's loopback and its key into `folder`; answers their paths.
    pub(crate) fn issue(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let params = CertificateParams::new(names).expect("plain names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (certificate_file, key_file) = (folder.join("server.crt"), folder.join("server.key"));
        fs::write(&certificate_file, certificate.pem()).expect("own folder");
        fs::write(&key_file, key.serialize_pem()).expect("own folder");
        (certificate_file, key_file)
    }
}
