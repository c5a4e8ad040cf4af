//! Until when each kite must be heard of again. Pure: the time is an argument.
//!
//! The time is the process's own, which no change of the machine's clock moves: a kite is not declared gone
//! because somebody set the date, nor because the machine slept.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// The deadlines of all kites that send heartbeats, and of those that a restart has to bring back.
///
/// Invariant: `deadlines` and `of` hold the same pairs.
pub(crate) struct Liveness {
    limit: Duration,
    deadlines: BTreeSet<(Instant, Arc<str>)>,
    of: HashMap<Arc<str>, Instant>,
}

impl Liveness {
    /// Nobody yet; each is gone `limit` after it was last heard of.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, deadlines: BTreeSet::new(), of: HashMap::new() }
    }

    /// Expects a first heartbeat of the kite from now on, whatever was expected of that id before.
    pub(crate) fn expect(&mut self, id: &str, now: Instant) {
        let limit = self.limit;
        self.expect_within(id, now, limit);
    }

    /// Expects the kite to be heard of within another time than the usual.
    pub(crate) fn expect_within(&mut self, id: &str, now: Instant, limit: Duration) {
        let (id, deadline) = (Arc::<str>::from(id), now.checked_add(limit).unwrap_or(now));
        if let Some(old) = self.of.insert(id.clone(), deadline) {
            self.deadlines.remove(&(old, id.clone()));
        }
        self.deadlines.insert((deadline, id));
    }

    /// Heard of the kite. `false` if nothing was expected: it is gone, or never was.
    pub(crate) fn beat(&mut self, id: &str, now: Instant) -> bool {
        let is_expected = self.of.contains_key(id);
        if is_expected {
            self.expect(id, now);
        }
        is_expected
    }

    /// Whether the kite was heard of within half the limit. One of which nothing is expected needs not be heard of.
    pub(crate) fn is_fresh(&self, id: &str, now: Instant) -> bool {
        let half = now.checked_add(self.limit / 2).unwrap_or(now);
        self.of.get(id).is_none_or(|deadline| half <= *deadline)
    }

    /// Expects nothing of the kite any more.
    pub(crate) fn forget(&mut self, id: &str) {
        if let Some((id, deadline)) = self.of.remove_entry(id) {
            self.deadlines.remove(&(deadline, id));
        }
    }

    /// Those whose time is up, oldest first. Each is told once and then forgotten.
    pub(crate) fn gone(&mut self, now: Instant) -> Vec<Arc<str>> {
        let mut gone = Vec::new();
        while let Some((deadline, id)) = self.deadlines.pop_first() {
            if deadline > now {
                self.deadlines.insert((deadline, id));
                break;
            }
            self.of.remove(&id);
            gone.push(id);
        }
        gone
    }
}

#[cfg(test)]
mod tests;
