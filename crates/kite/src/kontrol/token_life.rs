//! When a token is to be renewed.

use jiff::Timestamp;
use serde::Deserialize;

use crate::token::TokenText;

/// A token is renewed this long before its end, if it lives long enough.
const MARGIN_S: i64 = 5 * 60;

/// How long a token is good, as it says itself. Whoever gives it out may be the original, so that only what is
/// needed is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct TokenLife {
    #[serde(rename = "iat")]
    issued_at_s: i64,
    #[serde(rename = "exp")]
    expires_at_s: i64,
}

impl TokenLife {
    /// `None` if the token does not say it.
    pub(super) fn of(token: &TokenText) -> Option<Self> {
        token.unverified()
    }

    /// Seconds from `now` until it should be renewed, 0 if that is due.
    ///
    /// Due when three quarters of its life are over, or five minutes before its end, whichever is later: so a
    /// token of a few minutes is not fetched over and over, and one of a day not six hours early.
    pub(super) fn renewal_in_s(self, now: Timestamp) -> u64 {
        let life = self.expires_at_s.saturating_sub(self.issued_at_s);
        let three_quarters = self.expires_at_s.saturating_sub(life / 4);
        let before_end = self.expires_at_s.saturating_sub(MARGIN_S);
        let due = three_quarters.max(before_end).saturating_sub(now.as_second());
        u64::try_from(due).unwrap_or(0)
    }

    /// Whether it lasts longer than the other.
    pub(super) fn outlasts(self, other: Self) -> bool {
        self.expires_at_s > other.expires_at_s
    }

    /// Whether it is good no more.
    pub(super) fn is_over(self, now: Timestamp) -> bool {
        self.expires_at_s <= now.as_second()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewal(life_s: i64, age_s: i64) -> u64 {
        let life = TokenLife { issued_at_s: 1_000_000, expires_at_s: 1_000_000 + life_s };
        life.renewal_in_s(Timestamp::from_second(1_000_000 + age_s).unwrap())
    }

    #[test]
    fn a_long_token_is_renewed_five_minutes_before_its_end() {
        assert_eq!(renewal(3600, 0), 3300);
        assert_eq!(renewal(3600, 3299), 1);
        assert_eq!(renewal(3600, 3300), 0);
        assert_eq!(renewal(3600, 9999), 0);
        assert_eq!(renewal(86_400, 0), 86_100);
    }

    #[test]
    fn a_short_token_is_renewed_in_its_last_quarter() {
        assert_eq!(renewal(240, 0), 180);
        assert_eq!(renewal(8, 0), 6);
    }

    #[test]
    fn absurd_times_neither_overflow_nor_renew_for_ever() {
        let now = Timestamp::from_second(1_000_000).unwrap();

        for life in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (0, i64::MAX), (i64::MIN, 0), (0, 0)] {
            let life = TokenLife { issued_at_s: life.0, expires_at_s: life.1 };
            assert!(life.renewal_in_s(now) > 0 || life.is_over(now));
        }
    }
}
