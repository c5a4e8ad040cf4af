//! How long to wait before the next attempt.

use std::time::Duration;

/// Full jitter: each pause is a random part of a bound that doubles. When a server comes back, its thousands
/// of clients come within the bound they have reached, evenly, instead of all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// The first bound.
    pub first: Duration,
    /// The highest bound, which is also how long a client may be late when the server is back.
    pub longest: Duration,
    /// No pause is shorter.
    pub shortest: Duration,
    /// How long a connection must have held for the next loss to begin with the first bound again. A server
    /// that accepts and then drops must not be dialled at full speed.
    pub held: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
            shortest: Duration::from_millis(50),
            held: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The pause after `failures` failed attempts in a row, the first being 0.
    pub(super) fn pause(&self, failures: u32, random: u64) -> Duration {
        let bound = self.first.saturating_mul(2_u32.saturating_pow(failures)).min(self.longest);
        let spread = u64::try_from(bound.saturating_sub(self.shortest).as_nanos()).unwrap_or(u64::MAX);
        self.shortest + Duration::from_nanos(random % spread.saturating_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pause_is_short_and_none_is_above_the_longest() {
        let backoff = Backoff::default();

        assert_eq!(backoff.pause(0, 0), Duration::from_millis(50));
        assert_eq!(backoff.pause(0, 50_000_000), Duration::from_millis(100));
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(backoff.pause(0, random) <= Duration::from_millis(100));
            assert!(backoff.pause(u32::MAX, random) <= backoff.longest);
        }
    }

    #[test]
    fn thousands_of_clients_come_back_neither_at_once_nor_late() {
        const CLIENTS: u64 = 2000;
        let backoff = Backoff::default();
        let away = Duration::from_secs(2);
        // Numbers that are spread well enough, the same in every run.
        let random = |seed: u64| {
            (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (seed << 17)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 3
        };

        let mut back: Vec<Duration> = (0..CLIENTS)
            .map(|client| {
                let (mut at, mut failures) = (Duration::ZERO, 0);
                while at < away {
                    at += backoff.pause(failures, random(client * 100 + u64::from(failures) + 1));
                    failures += 1;
                }
                at.saturating_sub(away)
            })
            .collect();
        back.sort();

        let second = Duration::from_secs(1);
        let busiest = back
            .iter()
            .map(|from| back.iter().filter(|at| *at >= from && **at < *from + second / 10).count())
            .max();
        assert!(back.last().is_some_and(|last| *last < second * 8), "{:?}", back.last());
        assert!(back[back.len() / 10] + second < back[back.len() * 9 / 10], "spread over more than a second");
        assert!(busiest < Some(back.len() / 8), "{busiest:?} in one tenth of a second");
    }
}
