//! Why a server was not reached.

use std::io;

use http::StatusCode;

use crate::error::clip;

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
    #[error("`{address}` refused the connection with status {status}{}", said(why))]
    Refused {
        /// The kite's address without its query, or the socket's path.
        address: String,
        /// What it answered with.
        status: StatusCode,
        /// The first line of what it said; empty if it said nothing.
        why: String,
    },
    /// It answered something that the protocol does not know.
    #[error("the server does not speak the protocol: {0}")]
    Protocol(String),
    /// No answer in time from this address or at this socket.
    #[error("`{0}` did not answer in time")]
    TimedOut(String),
}

impl DialError {
    /// A refusal, with as much of the answer's body as a person wants to read.
    pub(super) fn refused(address: String, status: StatusCode, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
        let why = clip(line).replace(char::is_control, " ");
        Self::Refused { address, status, why }
    }

    /// Whether another transport may do better: somebody answers, but not to this one.
    pub(super) fn may_fall_back(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Protocol(_) | Self::TimedOut(_) => true,
            Self::Address(_) | Self::Config(_) | Self::Connect { .. } => false,
        }
    }

    /// Whether it says why nobody gets a connection, rather than that this transport does not exist.
    pub(super) fn is_verdict(&self) -> bool {
        let Self::Refused { status, .. } = self else { return false };
        [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .contains(status)
    }
}

/// What the server said, behind the status.
fn said(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_where_and_the_first_line_of_why() {
        let text = |body: &[u8]| {
            DialError::refused(String::from("https://host/kite"), StatusCode::FORBIDDEN, body).to_string()
        };
        let head = "`https://host/kite` refused the connection with status 403 Forbidden";

        assert_eq!(text(b""), head);
        assert_eq!(text(b"\n no \x1b[31mway\r\nmore"), format!("{head}: no  [31mway"));
        assert_eq!(text(&b"\xff".repeat(1000)).len(), head.len() + 2 + 300);
    }
}
