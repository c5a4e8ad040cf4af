//! When somebody last worked here. An open tab is not work.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Clock, Timestamp};

/// Nobody has worked here yet. No moment of work lies in the year 1970.
const NEVER: i64 = 0;

/// The moment of the last work.
#[derive(Clone)]
pub(crate) struct Activity {
    clock: Arc<dyn Clock>,
    last_micros: Arc<AtomicI64>,
}

impl Activity {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, last_micros: Arc::new(AtomicI64::new(NEVER)) }
    }

    /// Somebody works now.
    pub(crate) fn touch(&self) {
        self.last_micros.fetch_max(self.clock.now().as_microsecond(), Ordering::Relaxed);
    }

    /// When somebody last did.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        match self.last_micros.load(Ordering::Relaxed) {
            NEVER => None,
            micros => Timestamp::from_microsecond(micros).ok(),
        }
    }
}
