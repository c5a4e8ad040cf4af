//! What could not be done to what: the one error of the code that talks to the kernel.

use std::io;

use serde::{Deserialize, Serialize};

use crate::DriverError;

/// A system call that failed, in words, able to travel from the launcher to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}")]
pub(super) struct Failed {
    /// `cannot mount /proc`: what was tried on what.
    pub what: String,
    /// The system's error number; 0 when no system call was at fault.
    pub errno: i32,
}

impl Failed {
    /// A failure that no system call gave.
    pub(super) fn because(what: impl Into<String>) -> Self {
        Self { what: what.into(), errno: 0 }
    }

    /// Why, as the system says it.
    pub(super) fn source(&self) -> io::Error {
        if self.errno == 0 { io::Error::other("see above") } else { io::Error::from_raw_os_error(self.errno) }
    }
}

/// Gives a failing call the words for what it was about.
pub(super) trait Context<T> {
    /// Says what could not be done; called only on failure.
    fn context<W: Into<String>>(self, what: impl FnOnce() -> W) -> Result<T, Failed>;
}

impl<T> Context<T> for Result<T, rustix::io::Errno> {
    fn context<W: Into<String>>(self, what: impl FnOnce() -> W) -> Result<T, Failed> {
        self.map_err(|errno| Failed { what: what().into(), errno: errno.raw_os_error() })
    }
}

impl<T> Context<T> for Result<T, nix::errno::Errno> {
    fn context<W: Into<String>>(self, what: impl FnOnce() -> W) -> Result<T, Failed> {
        self.map_err(|errno| Failed { what: what().into(), errno: errno as i32 })
    }
}

impl<T> Context<T> for Result<T, io::Error> {
    fn context<W: Into<String>>(self, what: impl FnOnce() -> W) -> Result<T, Failed> {
        self.map_err(|error| match error.raw_os_error() {
            Some(errno) => Failed { what: what().into(), errno },
            None => Failed { what: format!("{}: {error}", what().into()), errno: 0 },
        })
    }
}

impl From<Failed> for DriverError {
    fn from(failed: Failed) -> Self {
        if matches!(failed.errno, libc::ENOSPC | libc::EDQUOT) {
            return Self::NoSpace { what: failed.what };
        }
        let source = failed.source();
        Self::System { what: failed.what, source }
    }
}
