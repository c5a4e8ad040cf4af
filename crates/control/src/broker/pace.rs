//! How often one workspace may ask: in bursts as a rebase with signatures does, not without end.

use std::time::Duration;

use tokio::time::Instant;

/// Questions at once. A rebase of three hundred commits asks twice for each.
const BURST: u32 = 600;
/// Time in which one more may be asked.
const ONE_IN: Duration = Duration::from_millis(50);

/// A bucket of permissions that fills up again.
pub(super) struct Pace {
    left: u32,
    since: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// Takes one permission; false when there is none.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.duration_since(self.since);
        let grown = u32::try_from(elapsed.as_millis() / ONE_IN.as_millis()).unwrap_or(BURST);
        if grown > 0 {
            self.left = self.left.saturating_add(grown).min(BURST);
            self.since += ONE_IN * grown;
        }
        if self.left == BURST {
            self.since = now;
        }
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_follows_is_slowed_down() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);

        assert!((0..BURST).all(|_| pace.take(now)));
        assert!(!pace.take(now));
        now += ONE_IN * 2;
        assert!(pace.take(now) && pace.take(now));
        assert!(!pace.take(now));
        now += Duration::from_hours(1);
        assert_eq!((0..BURST * 2).filter(|_| pace.take(now)).count(), usize::try_from(BURST).unwrap());
    }
}
