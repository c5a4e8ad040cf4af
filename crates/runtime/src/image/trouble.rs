//! Two ways for an image to go wrong: it is bad, or the machine cannot take it.

use std::io;

use crate::DriverError;

/// The image is not what it should be.
pub(super) fn bad(what: impl Into<String>) -> DriverError {
    DriverError::Image {
        what: what.into(),
        mend: "build or export the image anew; if that gives the same, the image is damaged or hostile"
            .into(),
    }
}

/// The machine could not do something. A full disk is told apart, because its remedy is another.
pub(super) fn failed(what: impl Into<String>, source: io::Error) -> DriverError {
    let what = what.into();
    match carried(source) {
        Ok(ours) => ours,
        Err(source) if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            DriverError::NoSpace { what }
        }
        Err(source) => DriverError::System { what, source },
    }
}

/// Sends one of our errors through an interface that only knows `io::Error`.
pub(super) fn carry(error: DriverError) -> io::Error {
    io::Error::other(error)
}

/// Takes out again what [`carry`] put in; otherwise the error as it was.
pub(super) fn carried(error: io::Error) -> Result<DriverError, io::Error> {
    error.downcast::<DriverError>()
}
