//! What is wrong with a host's proof of who it is, sorted by what helps.

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Why there is no trusted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsReason {
    /// The certificate is of an authority this server does not know, or vouches for itself.
    UnknownAuthority,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet; perhaps a clock is wrong.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// The host demands a client certificate, or does not accept the one it was given.
    ClientCertificate,
    /// Something else about the certificate or about TLS.
    Other,
}

impl TlsReason {
    pub(crate) fn of(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidCertificate(error) => Self::of_certificate(error),
            TlsError::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::NoCertificate
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied,
            ) => Self::ClientCertificate,
            _ => Self::Other,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            _ => Self::Other,
        }
    }

    /// Says it of the host's certificate, in words; nothing when only the library has words for it.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            Self::UnknownAuthority => Some("its certificate is of an authority this server does not know"),
            Self::Expired => Some("its certificate has expired"),
            Self::NotYetValid => Some("its certificate is not valid yet"),
            Self::WrongName => Some("its certificate is for other names"),
            Self::ClientCertificate => {
                Some("it demands a client certificate, or does not accept the one it was given")
            }
            Self::Other => None,
        }
    }

    pub(crate) fn mend(self, host: &str) -> String {
        match self {
            Self::UnknownAuthority => format!(
                "add the certificate of its authority (PEM) to `ca` in the settings of this connection, \
                 or give `{host}` a certificate of a known authority"
            ),
            Self::Expired => format!("renew the certificate of `{host}`"),
            Self::NotYetValid => format!("check the clocks of this machine and of `{host}`"),
            Self::WrongName => {
                format!("use a name that the certificate is for, or give `{host}` a certificate for its name")
            }
            Self::ClientCertificate => {
                format!("set the client certificate and private key that `{host}` accepts")
            }
            Self::Other => format!("check the certificate and the TLS settings of `{host}`"),
        }
    }
}
