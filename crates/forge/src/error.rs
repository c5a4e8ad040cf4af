//! Why a forge did not do what was asked, sorted by who has to do something about it.

use std::error::Error as StdError;
use std::time::Duration;

/// Whether a request that failed may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It was not sent: the same request can be made again.
    NotSent,
    /// It may have been received; no answer came.
    Unknown,
    /// The forge answered that it did not do it.
    Answered,
}

/// What is wrong with a link's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// A refresh token or code is not taken (any more): `invalid_grant`, `bad_refresh_token`.
    Grant,
    /// The access token has lapsed; it can be renewed.
    Expired,
    /// The access token was taken back.
    Revoked,
    /// The forge does not take it and does not say why.
    Refused,
}

/// Who has to do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nobody: the network or the forge is in trouble or busy for now.
    Passing {
        /// Whether the request may have had its effect.
        sent: Sent,
        /// How long the forge wants to be left alone, if it said.
        retry_after: Option<Duration>,
    },
    /// The person: their credential is not taken.
    Link(LinkFault),
    /// The person said no at the forge.
    Denied,
    /// The administrator: the forge refuses the application itself: a wrong secret, a deleted application,
    /// an address that is not registered.
    Application,
    /// The person: they have to grant more.
    MissingScope {
        /// Any one of these would do, or all of them where the forge is not clear.
        scopes: Vec<String>,
    },
    /// It is not there, or not for this account to see: forges do not tell these apart.
    NotFound,
    /// This account may not do it.
    Forbidden,
    /// The forge does not take what was asked.
    Request,
    /// What came back is not what this kind of forge answers, or cannot be believed.
    Protocol,
    /// The forge cannot prove who it is.
    Tls,
    /// The administrator: this server's own rules forbid to ask there, or its settings cannot be used.
    Refused,
    /// This kind of forge has nothing of the sort.
    Unsupported,
}

/// A forge did not do what was asked. Carries neither tokens nor what the forge sent, but for short words
/// of well-known fields.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ForgeError {
    what: String,
    mend: String,
    fault: Fault,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ForgeError {
    /// What could not be done (`what`), what its reader can do (`mend`), and who (`fault`).
    pub fn new(fault: Fault, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into(), fault, source: None }
    }

    /// Adds what it came from, which must not carry secrets either.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Who has to do something.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// What the reader can do about it.
    pub fn mend(&self) -> &str {
        &self.mend
    }

    /// The fault as one word, for logs, metrics and addresses.
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::Passing { .. } => "unavailable",
            Fault::Link(_) => "sign_in_needed",
            Fault::Denied => "denied",
            Fault::Application => "application_refused",
            Fault::MissingScope { .. } => "scope_missing",
            Fault::NotFound => "not_found",
            Fault::Forbidden => "forbidden",
            Fault::Request => "not_accepted",
            Fault::Protocol => "unexpected_answer",
            Fault::Tls => "tls",
            Fault::Refused => "refused",
            Fault::Unsupported => "unsupported",
        }
    }

    /// Whether the same request may work a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self.fault, Fault::Passing { .. })
    }

    /// Nothing of the sort at this kind of forge: `what` completes "… has no".
    pub fn unsupported(kind: domain::ForgeKind, what: &str) -> Self {
        let title = kind.title();
        Self::new(Fault::Unsupported, format!("{title} has no {what}"), "use another forge for this")
    }
}
