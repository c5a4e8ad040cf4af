//! Why a use case could not be done, in words for the person who wanted it.

use std::fmt::Display;
use std::time::Duration;

use domain::{Denied, ForgeId, IllegalTransition};
use link::LinkError;
use runtime::DriverError;
use store::StoreError;

/// Why a use case could not be done. Every kind has a stable [`Error::code`] and a [`Error::mend`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the caller must not learn that there is.
    #[error("no such {what}")]
    NotFound {
        /// What was looked for: ``workspace `ws_…` ``.
        what: String,
    },
    /// Nobody is signed in, or the proof is not good (any more).
    #[error("{why}")]
    Unauthenticated {
        /// What was wrong with the proof.
        why: String,
    },
    /// The caller is known and may not.
    #[error("{why}")]
    Forbidden {
        /// Why not.
        why: String,
    },
    /// It is the caller's, in a team that the caller does not belong to any more.
    #[error("{why}")]
    NotMember {
        /// Why not.
        why: String,
    },
    /// It cannot be done as things are now.
    #[error("{what}")]
    Conflict {
        /// Stable word for programs: `name_taken`, `not_stopped`, `not_running`.
        code: &'static str,
        /// What stands in the way.
        what: String,
        /// What to do about it.
        mend: String,
    },
    /// The input is not good.
    #[error("{what}")]
    Invalid {
        /// Which field of the input.
        field: &'static str,
        /// What is wrong with it.
        what: String,
        /// What would be right.
        mend: String,
    },
    /// Asked too often.
    #[error("{what}")]
    TooMany {
        /// What was asked too often.
        what: String,
        /// When the next try may succeed.
        retry_after: Duration,
    },
    /// Something it needs is not there now; a later try may succeed.
    #[error("{what}")]
    Unavailable {
        /// What is not there.
        what: String,
        /// What to do about it.
        mend: String,
    },
    /// The caller's account at a forge is needed, and is not linked or not good any more.
    #[error("{why}")]
    LinkNeeded {
        /// The forge.
        forge: ForgeId,
        /// Its name.
        name: String,
        /// What it is needed for, or why the link is not good.
        why: String,
    },
    /// The caller's link does not carry enough rights.
    #[error("{why}")]
    ScopeMissing {
        /// The forge.
        forge: ForgeId,
        /// What has to be granted in addition.
        scopes: Vec<String>,
        /// What it is needed for.
        why: String,
    },
    /// A forge did not do what was asked.
    #[error("{what}")]
    Forge {
        /// What it did not do.
        what: String,
        /// What to do about it.
        mend: String,
    },
    /// A fault of Hearth or its machine.
    #[error("{what}")]
    Internal {
        /// What could not be done, to what.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::NotMember { .. } => "not_member",
            Self::Conflict { code, .. } => code,
            Self::Invalid { .. } => "invalid",
            Self::TooMany { .. } => "too_many",
            Self::Unavailable { .. } => "unavailable",
            Self::LinkNeeded { .. } => "link_needed",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::Forge { .. } => "forge",
            Self::Internal { .. } => "internal",
        }
    }

    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::NotFound { .. } => "check the id; list what there is to find the right one".into(),
            Self::Unauthenticated { .. } => "sign in again".into(),
            Self::Forbidden { .. } => "ask an administrator, or use a credential that may".into(),
            Self::NotMember { .. } => "ask an owner of the team to let you in again".into(),
            Self::Conflict { mend, .. }
            | Self::Invalid { mend, .. }
            | Self::Unavailable { mend, .. }
            | Self::Forge { mend, .. } => mend.clone(),
            Self::LinkNeeded { name, .. } => format!("connect your account at {name} in your settings"),
            Self::ScopeMissing { scopes, .. } => {
                format!("grant `{}` in your settings, under integrations", scopes.join("`, `"))
            }
            Self::TooMany { retry_after, .. } => {
                format!("wait {} s, then try again", retry_after.as_secs().max(1))
            }
            Self::Internal { .. } => {
                "try again; if it stays, look for this request in the server's log".into()
            }
        }
    }

    /// There is no such thing.
    pub(crate) fn missing(what: &str, id: impl Display) -> Self {
        Self::NotFound { what: format!("{what} `{id}`") }
    }

    /// A field of the input is not good.
    pub(crate) fn invalid(field: &'static str, what: impl Display, mend: &str) -> Self {
        Self::Invalid { field, what: what.to_string(), mend: mend.into() }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            error @ StoreError::Unavailable { .. } => {
                // Its own words may name hosts and users of the database: they are for the log only.
                tracing::error!(error = &error as &dyn std::error::Error, "the database could not be used");
                if error.is_disk_full() {
                    let mend = "free some space on that disk, then try again".into();
                    return Self::Unavailable {
                        what: "the disk that holds the database is full".into(),
                        mend,
                    };
                }
                Self::Unavailable {
                    what: "cannot use the database".into(),
                    mend: "try again in a moment; an administrator finds the cause in the server's log"
                        .into(),
                }
            }
            StoreError::Conflict { what } => Self::Conflict {
                code: "conflict",
                what: format!("{what} is taken"),
                mend: "choose another".into(),
            },
            error @ StoreError::Corrupt { .. } => {
                Self::Internal { what: "cannot read what the database holds".into(), source: Box::new(error) }
            }
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Hidden => Self::NotFound { what: "workspace".into() },
            Denied::NotMember => Self::NotMember { why: denied.to_string() },
            Denied::NotOwner | Denied::Scope | Denied::NotAdmin => {
                Self::Forbidden { why: denied.to_string() }
            }
        }
    }
}

impl From<IllegalTransition> for Error {
    fn from(illegal: IllegalTransition) -> Self {
        Self::Conflict {
            code: "wrong_phase",
            what: illegal.to_string(),
            mend: "it is being removed for ever; make a new workspace".into(),
        }
    }
}

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Self {
        let mend = error.mend();
        match error {
            DriverError::StillRunning(id) => {
                Self::Conflict { code: "not_stopped", what: format!("workspace `{id}` is running"), mend }
            }
            DriverError::Image { what, .. } => Self::Conflict { code: "image", what, mend },
            DriverError::NoSpace { .. } | DriverError::Lacks(_) | DriverError::Cancelled => {
                Self::Unavailable { what: error.to_string(), mend }
            }
            error @ (DriverError::NoSandbox(_) | DriverError::NoSnapshot(_) | DriverError::System { .. }) => {
                Self::Internal { what: "the machine could not do it".into(), source: Box::new(error) }
            }
        }
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Self::Unavailable {
            what: format!("the workspace's agent did not answer: {error}"),
            mend: "try again in a moment; if it stays, stop and start the workspace".into(),
        }
    }
}
