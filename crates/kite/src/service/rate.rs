//! How often a caller may call a method.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Callers remembered for one method. Beyond them all others share one bucket.
const CALLERS: usize = 10_000;

/// How often full buckets are looked for when there are that many.
const SWEEP: Duration = Duration::from_secs(1);

/// A bucket of tokens, of which each call takes one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Calls at once, from a bucket that is full.
    pub burst: u32,
    /// How many tokens come back in a second; none, if it is not positive.
    pub per_second: f64,
}

/// The buckets of one method.
pub(super) struct Limiter {
    limit: RateLimit,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    users: HashMap<String, Bucket>,
    connections: HashMap<u64, Bucket>,
    others: Option<Bucket>,
    swept: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, buckets: Mutex::default() }
    }

    /// Takes a token of the user, else of the connection. False if there is none.
    pub(super) fn take(&self, username: Option<&str>, connection: u64, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match username {
            Some(username) => buckets.users.get_mut(username),
            None => buckets.connections.get_mut(&connection),
        };
        if let Some(bucket) = known {
            return bucket.take(self.limit, now);
        }
        let full = Bucket { tokens: f64::from(self.limit.burst), at: now };
        buckets.sweep(self.limit, now);
        let bucket = if buckets.len() >= CALLERS {
            buckets.others.get_or_insert(full)
        } else {
            match username {
                Some(username) => buckets.users.entry(username.to_owned()).or_insert(full),
                None => buckets.connections.entry(connection).or_insert(full),
            }
        };
        bucket.take(self.limit, now)
    }
}

impl Buckets {
    fn len(&self) -> usize {
        self.users.len() + self.connections.len()
    }

    /// Forgets full buckets, which are like new ones, when there are too many.
    fn sweep(&mut self, limit: RateLimit, now: Instant) {
        let is_due = self.swept.is_none_or(|swept| now - swept >= SWEEP);
        if self.len() < CALLERS || !is_due {
            return;
        }
        self.swept = Some(now);
        let is_used = |bucket: &Bucket| bucket.filled(limit, now) < f64::from(limit.burst);
        self.users.retain(|_, bucket| is_used(bucket));
        self.connections.retain(|_, bucket| is_used(bucket));
    }
}

impl Bucket {
    fn filled(&self, limit: RateLimit, now: Instant) -> f64 {
        let came_back = (now - self.at).as_secs_f64() * limit.per_second.max(0.0);
        (self.tokens + came_back).min(f64::from(limit.burst))
    }

    fn take(&mut self, limit: RateLimit, now: Instant) -> bool {
        *self = Self { tokens: self.filled(limit, now), at: now };
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RateLimit = RateLimit { burst: 2, per_second: 4.0 };

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limiter = Limiter::new(LIMIT);
        let start = Instant::now();
        let take = |after| limiter.take(Some("alice"), 1, start + Duration::from_millis(after));

        assert_eq!([take(0), take(0), take(0)], [true, true, false]);
        assert_eq!([take(250), take(250)], [true, false]);
        assert_eq!([take(9000), take(9000), take(9000)], [true, true, false]);
    }

    #[test]
    fn callers_do_not_share_buckets() {
        let limiter = Limiter::new(RateLimit { burst: 1, per_second: 0.0 });
        let now = Instant::now();

        assert!(limiter.take(Some("alice"), 1, now));
        assert!(limiter.take(Some("bob"), 1, now));
        assert!(limiter.take(None, 1, now));
        assert!(limiter.take(None, 2, now));
        assert!(!limiter.take(Some("alice"), 3, now));
        assert!(!limiter.take(None, 2, now));
    }

    #[test]
    fn more_callers_than_are_remembered_share_one_bucket() {
        let limiter = Limiter::new(LIMIT);
        let now = Instant::now();
        let most = u64::try_from(CALLERS).unwrap();
        assert!((0..most).all(|connection| limiter.take(None, connection, now)));

        let others: Vec<_> = (most..most + 4).map(|connection| limiter.take(None, connection, now)).collect();
        let later = limiter.take(None, most + 5, now + Duration::from_secs(2));
        let remembered = limiter.buckets.lock().unwrap().len();

        assert_eq!(others, [true, true, false, false]);
        assert!(later);
        assert_eq!(remembered, 1);
    }
}
