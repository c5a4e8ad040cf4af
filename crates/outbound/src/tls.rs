//! Whom the client trusts, and who it says it is.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use vault::Secret;

use crate::Error;

/// Mozilla's authorities, as compiled in, those the operator adds, and the client's own certificate.
pub(crate) struct Trust {
    roots: Arc<RootCertStore>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Trust {
    /// `authorities` and `identity` are PEM text with any number of certificates.
    pub(crate) fn new(authorities: &[Vec<u8>], identity: Option<&Secret<String>>) -> Result<Self, Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for pem in authorities {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            if roots.len() == before {
                return Err(unusable(&"there is no certificate in it"));
            }
        }
        let identity = identity.map(|pem| read_identity(pem.expose().as_bytes())).transpose()?;
        let trust = Self { roots: Arc::new(roots), identity };
        // Says at once when key and certificate do not belong together.
        trust.http()?;
        Ok(trust)
    }

    /// The TLS side of the HTTP client.
    pub(crate) fn http(&self) -> Result<ClientConfig, Error> {
        let mut config = self.config(self.verifier()?)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// What decides whether a host's certificate is good. There is no other one and no switch.
    pub(crate) fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>, Error> {
        WebPkiServerVerifier::builder_with_provider(self.roots.clone(), provider())
            .build()
            .map_err(|error| unusable(&error))
    }

    /// Settings with a verifier that is, or asks, that of [`Trust::verifier`].
    pub(crate) fn config(&self, verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, Error> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        match &self.identity {
            None => Ok(config.with_no_client_auth()),
            Some((chain, key)) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| unusable_identity(&error)),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn read_identity(pem: &[u8]) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|_| unusable_identity(&"it is not PEM text"))?;
    if chain.is_empty() {
        return Err(unusable_identity(&"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_slice(pem);
    Ok((chain, key.map_err(|_| unusable_identity(&"there is no private key without a pass phrase in it"))?))
}

fn unusable(why: &dyn std::fmt::Display) -> Error {
    Error::Refused {
        why: format!("the additional certificate authorities cannot be used: {why}"),
        mend: "give a file of `-----BEGIN CERTIFICATE-----` blocks".into(),
    }
}

fn unusable_identity(why: &dyn std::fmt::Display) -> Error {
    Error::Refused {
        why: format!("the client certificate cannot be used: {why}"),
        mend: "give `-----BEGIN CERTIFICATE-----` blocks and the `-----BEGIN PRIVATE KEY-----` block".into(),
    }
}
