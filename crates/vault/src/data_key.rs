//! A data key: what secrets in the store are sealed with.
//!
//! Every owner has data keys of their own. A data key is stored only wrapped by the platform key
//! ([`PlatformKey`]), so a copy of the database opens nothing, and deleting the wrapped key makes all that was
//! sealed with it unreadable for ever.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use domain::{DataKeyId, Entropy};
use zeroize::Zeroizing;

use crate::place::context;
use crate::sealed::{HEADER, TAG, VERSION};
use crate::{Place, PlatformKey, PlatformKeyError, Sealed, Secret, Wrapped};

/// A key of 256 bits for AES-256-GCM, expanded once and used many times. No `Debug`; wiped when dropped.
///
/// Nonces are random 96-bit numbers from the cryptographic library itself, so that no caller can hand in a
/// generator that repeats. That allows at most 2³² values a key (NIST SP 800-38D, section 8.3). Whoever keeps
/// keys counts, and makes a new key well before, for instance at 2³¹.
pub struct DataKey {
    id: DataKeyId,
    material: Secret<[u8; 32]>,
    expanded: RandomizedNonceKey,
}

/// Why a sealed value did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed with another key.
    #[error("the value is sealed with the key {sealed_with}, not with {key}")]
    OtherKey {
        /// The key it names.
        sealed_with: DataKeyId,
        /// The key it was tried with.
        key: DataKeyId,
    },
    /// It was changed, or it belongs to another place.
    #[error("the sealed value was changed, or does not belong here")]
    NotGenuine,
}

impl DataKey {
    /// Makes a new key.
    pub fn generate(id: DataKeyId, entropy: &dyn Entropy) -> Self {
        let mut material = Zeroizing::new([0; 32]);
        entropy.fill(material.as_mut_slice());
        Self::from_material(id, &material)
    }

    fn from_material(id: DataKeyId, material: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "fails for other lengths only, and the type gives the length")]
        let expanded = RandomizedNonceKey::new(&AES_256_GCM, material).expect("a key of 32 bytes is usable");
        Self { id, material: Secret::new(*material), expanded }
    }

    /// The key's name, which stands in everything sealed with it.
    pub fn id(&self) -> DataKeyId {
        self.id
    }

    /// Seals a value for its place.
    ///
    /// # Panics
    ///
    /// When the system's random generator fails, or the value has more than 64 GiB: nothing may be written then.
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Sealed {
        let mut body = Vec::with_capacity(plaintext.len() + Sealed::OVERHEAD);
        body.resize(HEADER, 0);
        body.extend_from_slice(plaintext);
        let (_, text) = body.split_at_mut(HEADER);
        let sealed = self.expanded.seal_in_place_separate_tag(Aad::from(place.authenticated(VERSION)), text);
        #[expect(
            clippy::expect_used,
            reason = "documented: going on without a nonce would give secrets away"
        )]
        let (nonce, tag) = sealed.expect("the random generator works");
        body.extend_from_slice(tag.as_ref());
        Sealed::assemble(body, self.id, *nonce.as_ref())
    }

    /// Opens what was sealed with this key for this place.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; why a value is not genuine cannot be told.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret<Vec<u8>>, OpenError> {
        if sealed.key_id() != self.id {
            return Err(OpenError::OtherKey { sealed_with: sealed.key_id(), key: self.id });
        }
        let (nonce, body) = sealed.parts().ok_or(OpenError::NotGenuine)?;
        let mut text = Zeroizing::new(body.to_vec());
        let aad = Aad::from(place.authenticated(VERSION));
        self.expanded
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| OpenError::NotGenuine)?;
        text.truncate(body.len() - TAG);
        Ok(Secret::from(text))
    }

    /// Wraps this key for the store. `owner` is whose secrets it seals, and must be given again to unwrap it.
    ///
    /// # Errors
    ///
    /// What the platform key says.
    pub async fn wrap(&self, platform: &dyn PlatformKey, owner: &str) -> Result<Wrapped, PlatformKeyError> {
        platform.wrap(&self.material, &wrapping(self.id, owner)).await
    }

    /// Unwraps a stored key.
    ///
    /// # Errors
    ///
    /// What the platform key says; it refuses a key stored under another id or for another owner.
    pub async fn unwrap(
        id: DataKeyId,
        owner: &str,
        wrapped: &Wrapped,
        platform: &dyn PlatformKey,
    ) -> Result<Self, PlatformKeyError> {
        let material = platform.unwrap(wrapped, &wrapping(id, owner)).await?;
        Ok(Self::from_material(id, material.expose()))
    }

    /// Wraps a stored key again with the platform key's newest version. Nothing sealed with it changes.
    ///
    /// # Errors
    ///
    /// What the platform key says.
    pub async fn rewrap(
        id: DataKeyId,
        owner: &str,
        wrapped: &Wrapped,
        platform: &dyn PlatformKey,
    ) -> Result<Wrapped, PlatformKeyError> {
        platform.rewrap(wrapped, &wrapping(id, owner)).await
    }
}

/// What a wrapped key is bound to.
fn wrapping(id: DataKeyId, owner: &str) -> Vec<u8> {
    context("data key", &[&id.to_string(), owner])
}
