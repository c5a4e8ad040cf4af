//! A value that cannot be printed, copied or serialised by accident.

use zeroize::{Zeroize, Zeroizing};

/// A secret in memory: no `Debug`, `Display`, `Serialize` or `Clone`; wiped when dropped.
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value in.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Opens it, at the one call that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<Zeroizing<T>> for Secret<T> {
    /// Takes over what is wiped already, without a copy.
    fn from(value: Zeroizing<T>) -> Self {
        Self(value)
    }
}

impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}
