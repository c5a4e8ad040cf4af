//! The platform key: the one key above all data keys, wherever the operator keeps it.

use std::error::Error as StdError;

use async_trait::async_trait;

use crate::Secret;

/// Wraps and unwraps data keys. Kept in a file ([`FileKey`](crate::FileKey)) or in a key service.
///
/// Implementations bind what they wrap to `aad` (additional authenticated data): unwrapping with another one
/// is refused. They keep every version they have ever wrapped with until the operator removes it.
#[async_trait]
pub trait PlatformKey: Send + Sync {
    /// What kind of key it is, for people: `file`, `transit`.
    fn name(&self) -> &'static str;

    /// Wraps a data key's material with the newest version.
    async fn wrap(&self, material: &Secret<[u8; 32]>, aad: &[u8]) -> Result<Wrapped, PlatformKeyError>;

    /// Unwraps what any version still there has wrapped.
    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret<[u8; 32]>, PlatformKeyError>;

    /// Wraps again with the newest version. Services do it without showing the material.
    async fn rewrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Wrapped, PlatformKeyError>;

    /// The newest version's name.
    async fn version(&self) -> Result<String, PlatformKeyError>;

    /// The name of the version that wrapped this, comparable with [`PlatformKey::version`]; empty when the
    /// value does not tell.
    fn wrapped_by(&self, wrapped: &Wrapped) -> String;

    /// Makes a new version and gives its name. Older ones go on unwrapping.
    async fn rotate(&self) -> Result<String, PlatformKeyError>;

    /// Says whether the key can be used at this moment.
    async fn health(&self) -> Result<(), PlatformKeyError>;
}

/// A data key as it is stored: ciphertext that only the platform key understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped(Vec<u8>);

impl Wrapped {
    /// Takes what a platform key made, or the database kept.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why the platform key did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PlatformKeyError {
    /// It cannot be reached at this moment; the same call may work later.
    #[error("{what}")]
    Unavailable {
        /// What could not be done.
        what: String,
        /// What the operator can do about it.
        mend: String,
        /// What lies beneath.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// It said no, or what it was given is not genuine. Trying again is of no use.
    #[error("{what}")]
    Refused {
        /// What could not be done.
        what: String,
        /// What the operator can do about it.
        mend: String,
        /// What lies beneath.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl PlatformKeyError {
    /// A failure that may pass.
    pub fn unavailable(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Unavailable { what: what.into(), mend: mend.into(), source: None }
    }

    /// A failure that stays.
    pub fn refused(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), mend: mend.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let (Self::Unavailable { source, .. } | Self::Refused { source, .. }) = &mut self;
        *source = Some(cause.into());
        self
    }

    /// What the operator can do about it.
    pub fn mend(&self) -> &str {
        let (Self::Unavailable { mend, .. } | Self::Refused { mend, .. }) = self;
        mend
    }

    /// Whether the same call may work later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
