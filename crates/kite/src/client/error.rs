//! Why a server was not reached.

use std::io;

use http::StatusCode;

/// Why there is no connection. All but [`DialError::Address`] and [`DialError::Config`] may go away by themselves.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address is of no known form.
    #[error("`{0}` is not an address of a kite; it looks like `https://host/kite`")]
    Address(String),
    /// A certificate or header cannot be used.
    #[error("cannot use the {0}")]
    Config(&'static str),
    /// Nobody answers there.
    #[error("cannot connect to `{server}`")]
    Connect {
        /// Host and port, or the socket's path.
        server: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It answered, but not with a connection: such as 401 for a credential it does not know.
    #[error("the server refused the connection with status {0}")]
    Refused(StatusCode),
    /// It answered something that the protocol does not know.
    #[error("the server does not speak the protocol: {0}")]
    Protocol(String),
    /// No answer in time.
    #[error("the server did not answer in time")]
    TimedOut,
}

impl DialError {
    /// Whether another transport may do better: somebody answers, but not to this one.
    pub(super) fn may_fall_back(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Protocol(_) | Self::TimedOut => true,
            Self::Address(_) | Self::Config(_) | Self::Connect { .. } => false,
        }
    }

    /// Whether it says why nobody gets a connection, rather than that this transport does not exist.
    pub(super) fn is_verdict(&self) -> bool {
        let Self::Refused(status) = self else { return false };
        [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .contains(status)
    }
}
