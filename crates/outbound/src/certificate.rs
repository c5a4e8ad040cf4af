//! What a host's certificate says, for an operator who sets a connection up.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Host;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Error;
use crate::error::find;
use crate::tls::Trust;

/// A certificate that is trusted, as the host presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Whom it is for, such as `CN=git.example.com`. Often empty; see `names`.
    pub subject: String,
    /// Who says so, such as `C=US, O=Let's Encrypt, CN=R11`.
    pub issuer: String,
    /// The host names and addresses it holds for.
    pub names: Vec<String>,
    /// The first moment it is valid.
    pub not_before: Timestamp,
    /// The last moment it is valid.
    pub not_after: Timestamp,
    /// The certificates above it, as sent by the host; the authority's own is mostly left out.
    pub chain: Vec<ChainCertificate>,
}

/// A certificate above the host's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCertificate {
    /// Whom it is for.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// The last moment it is valid.
    pub not_after: Timestamp,
}

/// Names longer than this are cut: they are for people to read.
const LONGEST_NAME: usize = 200;
/// More names than a person reads.
const MOST_NAMES: usize = 100;
/// Real chains have two or three.
const LONGEST_CHAIN: usize = 10;

/// Makes a handshake and reads the certificate.
pub(crate) async fn look(trust: &Trust, host: &Host, stream: TcpStream) -> Result<CertificateInfo, Error> {
    let name = server_name(host)?;
    let recorder = Arc::new(Recorder { inner: trust.verifier()?, seen: Mutex::default() });
    let config = trust.config(recorder.clone())?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let seen = recorder.seen();
    let leaf = seen.first().and_then(|leaf| read(leaf));
    if let Err(error) = connected {
        let host = host.to_string();
        return Err(match find::<rustls::Error>(&error) {
            Some(tls) => Error::tls(host, tls, leaf.map(|leaf| leaf.issuer)),
            None => Error::Unreachable { host, source: Box::new(error) },
        });
    }
    let mut leaf = leaf.ok_or_else(|| Error::Protocol {
        host: host.to_string(),
        why: "its certificate cannot be read".into(),
    })?;
    let above = seen.iter().skip(1).filter_map(|above| read(above));
    let above = above.map(|above| ChainCertificate {
        subject: above.subject,
        issuer: above.issuer,
        not_after: above.not_after,
    });
    leaf.chain = above.take(LONGEST_CHAIN).collect();
    Ok(leaf)
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Error> {
    match host {
        Host::Ipv4(address) => Ok(ServerName::from(*address)),
        Host::Ipv6(address) => Ok(ServerName::from(*address)),
        Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| Error::Refused {
            why: format!("no certificate can be for `{name}`"),
            mend: "give a host name without special characters".into(),
        }),
    }
}

/// The facts of one certificate; nothing when it is none.
fn read(der: &[u8]) -> Option<CertificateInfo> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let time = |seconds: i64| Timestamp::from_second(seconds).ok();
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names =
        alternative.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(readable(name)),
            GeneralName::IPAddress(bytes) => ip(bytes),
            _ => None,
        });
    Some(CertificateInfo {
        subject: readable(&certificate.subject().to_string()),
        issuer: readable(&certificate.issuer().to_string()),
        names: names.take(MOST_NAMES).collect(),
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
        chain: Vec::new(),
    })
}

fn ip(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    four.or_else(|| Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()))
}

/// Text of a stranger, for a person to read on one line.
fn readable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
}

/// Remembers what the host presented, and leaves the decision to the one verifier there is.
#[derive(Debug)]
struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl Recorder {
    fn seen(&self) -> Vec<CertificateDer<'static>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = std::iter::once(end_entity).chain(intermediates);
        let presented = presented.map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = presented;
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn genuine() -> Vec<u8> {
        let names = vec!["git.test".to_owned(), "10.0.0.7".to_owned()];
        rcgen::generate_simple_self_signed(names).unwrap().cert.der().to_vec()
    }

    #[test]
    fn names_and_addresses_are_read() {
        let read = read(&genuine()).unwrap();

        assert_eq!(read.names, ["git.test", "10.0.0.7"]);
        assert!(read.not_before < read.not_after);
        assert_eq!(read.issuer, read.subject);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_certificate_or_not(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let _read = read(&bytes);
            let mut damaged = genuine();
            for (at, byte) in changes {
                let at = at.index(damaged.len());
                damaged[at] = byte;
            }
            let _read = read(&damaged);
        }
    }
}
