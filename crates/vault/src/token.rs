//! Random bearer tokens, stored only as hashes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Entropy;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// A fresh bearer token: a prefix that secret scanners can find, and 256 random bits.
pub struct Token(Secret<String>);

/// SHA-256 of a token. The token has 256 bits of its own, so no salt or slow hash is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl Token {
    /// Makes a token such as `hearth_Zm9v…` for the prefix `hearth`.
    pub fn generate(prefix: &str, entropy: &dyn Entropy) -> Self {
        let mut bits = [0; 32];
        entropy.fill(&mut bits);
        Self(Secret::new(format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bits))))
    }

    /// The token's text, to be shown once.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

impl TokenHash {
    /// The hash of a token as it came in.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The 32 bytes for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what [`TokenHash::as_bytes`] gave; `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Compares without telling by time how much was right.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
