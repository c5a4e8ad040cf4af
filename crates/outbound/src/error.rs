//! Why a request did not work out, and what the reader can do about it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use crate::TlsReason;

/// Why a host could not be asked, or its answer not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guard forbids it.
    #[error("{why}")]
    Refused {
        /// What is forbidden.
        why: String,
        /// What to do about it.
        mend: String,
    },
    /// The name has no address.
    #[error("no address is known for the host `{host}`")]
    UnknownHost {
        /// The name that was looked up.
        host: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No connection, or one that broke.
    #[error("cannot reach `{host}`")]
    Unreachable {
        /// The host that was dialled.
        host: String,
        /// What the system said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// It took too long.
    #[error("`{host}` did not answer within {}s", .after.as_secs_f32())]
    Timeout {
        /// The host that was asked.
        host: String,
        /// How long it was given.
        after: Duration,
    },
    /// The answer is larger than the caller allows.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// The host that was asked.
        host: String,
        /// The most the caller takes.
        limit: u64,
    },
    /// The host cannot prove who it is.
    #[error("no trusted connection to `{host}`: {why}")]
    Tls {
        /// The host that was dialled.
        host: String,
        /// What kind of thing is wrong.
        reason: TlsReason,
        /// What is wrong with its certificate or its TLS.
        why: String,
    },
    /// The answer is not JSON, or not of the form expected. Nothing of its body is told.
    #[error("`{host}` answers {status} with {what}")]
    NotJson {
        /// The host that was asked.
        host: String,
        /// The answer's status.
        status: u16,
        /// What it is instead, such as `text/html`.
        what: String,
    },
    /// What came back is not HTTP as it should be.
    #[error("`{host}` does not speak HTTP as expected: {why}")]
    Protocol {
        /// The host that was asked.
        host: String,
        /// What was unexpected.
        why: String,
    },
}

impl Error {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Refused { mend, .. } => mend.clone(),
            Self::UnknownHost { host, .. } => {
                format!("check the spelling of `{host}`, and that this machine's DNS works")
            }
            Self::Unreachable { host, .. } => {
                format!("check that `{host}` is up and that this machine may connect to it, then try again")
            }
            Self::Timeout { .. } => "try again; if it stays slow, look at the network of this machine".into(),
            Self::TooLarge { .. } => "check that the address is the one you meant".into(),
            Self::Tls { host, reason, .. } => reason.mend(host),
            Self::NotJson { .. } => {
                "check that the address is the one you meant, with its path, and that no sign-in page is in between"
                    .into()
            }
            Self::Protocol { .. } => "check that the address and its port are the ones you meant".into(),
        }
    }

    /// Whether the same request may work a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. })
    }

    /// Sorts a failure of the HTTP client by what it means for the reader.
    pub(crate) fn sort(host: &str, allowed: Duration, error: reqwest::Error) -> Self {
        let host = host.to_owned();
        if let Some(refusal) = Self::ours(&error) {
            return refusal;
        }
        if error.is_timeout() {
            return Self::Timeout { host, after: allowed };
        }
        if let Some(tls) = find::<rustls::Error>(&error) {
            return Self::tls(host, tls, None);
        }
        let broken = find::<io::Error>(&error).is_some()
            || error.is_connect()
            || find::<hyper::Error>(&error).is_some_and(|error| {
                error.is_incomplete_message() || error.is_canceled() || error.is_closed()
            });
        if broken {
            return Self::Unreachable { host, source: Box::new(error.without_url()) };
        }
        Self::Protocol { host, why: root_cause(&error) }
    }

    /// What TLS says, and of whom the certificate is, if it has been looked at.
    pub(crate) fn tls(host: String, error: &rustls::Error, issuer: Option<String>) -> Self {
        let reason = TlsReason::of(error);
        let what = reason.words().map_or_else(|| error.to_string(), str::to_owned);
        let why = match issuer {
            Some(issuer) if reason != TlsReason::ClientCertificate => format!("{what} (issuer: `{issuer}`)"),
            _ => what,
        };
        Self::Tls { host, reason, why }
    }

    /// Finds an error of the guard inside one of the HTTP client, which only carries it through.
    fn ours(error: &(dyn StdError + 'static)) -> Option<Self> {
        match find::<Self>(error)? {
            Self::Refused { why, mend } => Some(Self::Refused { why: why.clone(), mend: mend.clone() }),
            Self::UnknownHost { host, source } => {
                let source = io::Error::new(source.kind(), source.to_string());
                Some(Self::UnknownHost { host: host.clone(), source })
            }
            Self::Timeout { host, after } => Some(Self::Timeout { host: host.clone(), after: *after }),
            Self::Unreachable { .. }
            | Self::TooLarge { .. }
            | Self::Tls { .. }
            | Self::NotJson { .. }
            | Self::Protocol { .. } => None,
        }
    }
}

/// Looks for a kind of error along the chain of causes, also inside `io::Error`s, whose `source` skips
/// the error they wrap.
pub(crate) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

/// The last cause is the one that says what happened; those before it say where.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
