//! The two sources of nondeterminism, as traits: only a `main` makes real ones.

use jiff::Timestamp;

/// Tells the time. Tests hand in one that stands still until told to move.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Gives unpredictable bytes. Tests hand in a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with random bytes, cryptographically strong in production.
    fn fill(&self, buffer: &mut [u8]);
}
