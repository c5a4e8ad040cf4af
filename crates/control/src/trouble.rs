//! Why an effect could not be performed, and whether trying again can help.

use runtime::DriverError;
use store::StoreError;

/// Why an effect could not be performed, in words for the workspace's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What could not be done, to what.
    pub(crate) reason: String,
    /// What to do about it.
    pub(crate) mend: String,
    /// Whether a later try may succeed.
    pub(crate) kind: Kind,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It may: the machine was busy, a connection broke.
    Passing,
    /// It cannot, as long as nobody changes something.
    Lasting,
    /// Nobody wants it any more; whoever wanted it to end knows.
    Cancelled,
}

impl Trouble {
    pub(crate) fn lasting(reason: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { reason: reason.into(), mend: mend.into(), kind: Kind::Lasting }
    }

    pub(crate) fn passing(reason: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { reason: reason.into(), mend: mend.into(), kind: Kind::Passing }
    }

    pub(crate) fn cancelled() -> Self {
        Self { reason: "cancelled".into(), mend: "start the workspace again".into(), kind: Kind::Cancelled }
    }
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        let mend = error.mend();
        let kind = match &error {
            DriverError::Cancelled => Kind::Cancelled,
            DriverError::System { .. } | DriverError::StillRunning(_) => Kind::Passing,
            DriverError::NoSandbox(_)
            | DriverError::NoSnapshot(_)
            | DriverError::Image { .. }
            | DriverError::NoSpace { .. }
            | DriverError::Lacks(_) => Kind::Lasting,
        };
        // A system call's own words belong to the reason: "permission denied" is what helps.
        let reason = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self { reason, mend, kind }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Corrupt { .. } => Kind::Lasting,
            StoreError::Unavailable { .. } | StoreError::Conflict { .. } => Kind::Passing,
        };
        Self { reason: error.to_string(), mend: error.mend().into(), kind }
    }
}

impl From<link::LinkError> for Trouble {
    fn from(error: link::LinkError) -> Self {
        match error.problem() {
            Some(problem) => Self::lasting(problem.detail.clone(), problem.mend.clone()),
            None => Self::passing(error.to_string(), "stop the workspace and start it again"),
        }
    }
}

impl From<outbound::Error> for Trouble {
    /// What is transient has been tried again by `outbound` already.
    fn from(error: outbound::Error) -> Self {
        let mend = error.mend();
        Self::lasting(error.to_string(), mend)
    }
}
