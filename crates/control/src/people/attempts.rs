//! How often a name may be tried with a wrong password. Pure: the time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;

/// Wrong passwords in a row before waiting begins: a person who mistypes does not notice.
const BURST: u32 = 10;
/// A guess each ten seconds from then on: three million a year, against ten characters.
const REFILL: Duration = Duration::from_secs(10);
/// Names remembered; beyond it those that are full again, then the oldest, are forgotten.
const NAMES: usize = 10_000;

/// Counts wrong passwords by name, known or not, so that the answer tells nothing about the name.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    names: HashMap<String, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u32,
    /// When `left` was true.
    at: Timestamp,
}

impl Attempts {
    /// Takes one try for `name`; given back by [`Attempts::succeeded`].
    ///
    /// # Errors
    ///
    /// How long to wait when there is none left.
    pub(crate) fn take(&mut self, name: &str, now: Timestamp) -> Result<(), Duration> {
        if !self.names.contains_key(name) {
            self.make_room(now);
        }
        let bucket = self.names.entry(name.to_owned()).or_insert(Bucket { left: BURST, at: now });
        bucket.refill(now);
        if bucket.left == 0 {
            let waited = elapsed(bucket.at, now);
            return Err(REFILL.saturating_sub(waited));
        }
        bucket.left -= 1;
        Ok(())
    }

    /// The password was right: the name starts afresh.
    pub(crate) fn succeeded(&mut self, name: &str) {
        self.names.remove(name);
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.names.len() < NAMES {
            return;
        }
        self.names.retain(|_, bucket| {
            bucket.refill(now);
            bucket.left < BURST
        });
        if self.names.len() >= NAMES
            && let Some(oldest) = self.names.iter().min_by_key(|(_, bucket)| bucket.at)
        {
            let oldest = oldest.0.clone();
            self.names.remove(&oldest);
        }
    }
}

impl Bucket {
    fn refill(&mut self, now: Timestamp) {
        let steps = elapsed(self.at, now).as_secs() / REFILL.as_secs();
        if steps == 0 && now >= self.at {
            return;
        }
        let added = u32::try_from(steps).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(added).min(BURST);
        // A clock that was set back must not make anybody wait for the time it lost.
        self.at = now;
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
