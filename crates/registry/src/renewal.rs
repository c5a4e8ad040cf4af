//! Which kites were sent away to register again. Pure: the time is an argument.
//!
//! A kite is given the next issue of its key in the answer to `register`, and nowhere else. One whose connection
//! holds for months would never ask.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How often one kite is sent away at most: it may come back without a new key, when none can be made.
const EVERY: Duration = Duration::from_hours(1);

/// When which kite was sent away, by its id.
#[derive(Default)]
pub(crate) struct SentAway {
    at: HashMap<String, Instant>,
}

impl SentAway {
    /// Whether the kite may be sent away now; if so, it is noted.
    pub(crate) fn take(&mut self, id: &str, now: Instant) -> bool {
        let may = self.at.get(id).is_none_or(|at| now.saturating_duration_since(*at) >= EVERY);
        if may {
            self.at.insert(id.to_owned(), now);
        }
        may
    }

    /// Forgets those that may be sent away again.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.at.retain(|_, at| now.saturating_duration_since(*at) < EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kite_is_sent_away_once_an_hour() {
        let (start, mut sent_away) = (Instant::now(), SentAway::default());
        let later = |minutes| start + Duration::from_mins(minutes);

        assert!(sent_away.take("a", start));
        assert!(!sent_away.take("a", later(59)));
        assert!(sent_away.take("b", later(59)), "another has its own hour");
        assert!(sent_away.take("a", later(60)));
        assert!(!sent_away.take("a", later(61)));
    }

    #[test]
    fn what_is_over_takes_no_room() {
        let (start, mut sent_away) = (Instant::now(), SentAway::default());
        sent_away.take("a", start);
        sent_away.take("b", start + Duration::from_mins(30));

        sent_away.sweep(start + Duration::from_hours(1));

        assert_eq!(sent_away.at.into_keys().collect::<Vec<_>>(), ["b"]);
    }
}
