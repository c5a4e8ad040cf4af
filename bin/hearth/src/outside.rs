//! The real clock and the real randomness. Nothing else in the program may make them.

use domain::{Clock, Entropy, Timestamp};

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The kernel's random generator.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "getrandom(2) does not fail after boot, and nothing safe can follow"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the kernel gives random bytes");
    }
}
