//! A clock that stands still until told to move.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{Clock, SignedDuration, Timestamp};

/// A [`Clock`] under the test's control. Clones show the same time.
#[derive(Debug, Clone)]
pub struct FakeClock(Arc<Mutex<Timestamp>>);

impl FakeClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Moves the time on, and gives the new one.
    ///
    /// The end of time where the sum does not exist.
    pub fn advance(&self, by: SignedDuration) -> Timestamp {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
        *now
    }

    /// Shows another time, earlier ones included: machines' clocks jump as well.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Default for FakeClock {
    /// Shows 2026-01-01T00:00:00Z: whole seconds, so that stored times come back equal.
    fn default() -> Self {
        Self::new(Timestamp::constant(1_767_225_600, 0))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
