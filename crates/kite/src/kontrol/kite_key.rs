//! A kite key as whoever it belongs to sees it: something to present, and what it says of itself.

use crate::Authentication;
use crate::token::{KiteKeyClaims, MAX_BYTES, TokenText};

/// One's own kite key. No `Debug`, `Display` or `Serialize`; wiped with its last clone.
#[derive(Clone)]
pub struct KiteKey {
    text: TokenText,
    claims: KiteKeyClaims,
}

/// Why a text is no kite key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KiteKeyError {
    /// Empty, or longer than any.
    #[error("its length is that of no kite key")]
    Length,
    /// Not three parts of base64 with a kite key's claims in the middle one.
    #[error("it does not have the form of a kite key")]
    Form,
}

impl KiteKey {
    /// Reads what the key says of itself. Nothing is verified: whoever holds a key has nothing to verify it
    /// with, and nothing that it says is believed about anybody else.
    ///
    /// # Errors
    ///
    /// If it does not have the form of a kite key. The original's keys, which never end, are refused too.
    pub fn parse(text: &str) -> Result<Self, KiteKeyError> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(KiteKeyError::Length);
        }
        let text = TokenText::new(text);
        let claims = text.unverified().ok_or(KiteKeyError::Form)?;
        Ok(Self { text, claims })
    }

    /// Opens it, at the one call that keeps it.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// As the credential of a call at the registry. Present it nowhere else.
    pub fn to_authentication(&self) -> Authentication {
        Authentication::kite_key(self.expose())
    }

    /// What it says of itself; not verified.
    pub fn claims(&self) -> &KiteKeyClaims {
        &self.claims
    }

    /// Whose it is, as the `username` of a [`crate::Kite`]: `/` and `%` are percent-encoded.
    pub fn username(&self) -> String {
        self.claims.subject.replace('%', "%25").replace('/', "%2F")
    }
}
