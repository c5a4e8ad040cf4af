//! The stored form of a sealed value.

use std::fmt;

use domain::DataKeyId;

/// A sealed value: `version (1) | algorithm (1) | data key's id (16) | nonce (12) | ciphertext and tag (n + 16)`.
///
/// `Debug` shows the key's id and the length, nothing of the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// The bytes are not a sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSealed {
    /// Shorter than an empty value sealed.
    #[error("a sealed value has at least {least} bytes, this has {length}")]
    TooShort {
        /// The bytes there are.
        length: usize,
        /// The bytes there must be.
        least: usize,
    },
    /// Of a format this version of Hearth does not know.
    #[error("sealed values of format {0} are not known to this version")]
    UnknownVersion(u8),
    /// Sealed with an algorithm this version of Hearth does not know.
    #[error("sealed values of algorithm {0} are not known to this version")]
    UnknownAlgorithm(u8),
}

pub(crate) const VERSION: u8 = 1;
/// AES-256-GCM with a random nonce.
const AES_256_GCM: u8 = 1;
/// Version and algorithm.
const PREFIX: usize = 2;
const KEY_ID: usize = 16;
/// 96 bits (NIST SP 800-38D, section 8.2.2).
pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;
/// Bytes before the ciphertext.
pub(crate) const HEADER: usize = PREFIX + KEY_ID + NONCE;

impl Sealed {
    /// How many bytes a sealed value has more than the plaintext.
    pub const OVERHEAD: usize = HEADER + TAG;

    /// Reads what [`Sealed::as_bytes`] gave. Whether it is genuine shows when it is opened.
    ///
    /// # Errors
    ///
    /// [`InvalidSealed`] when the bytes do not have the form.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, InvalidSealed> {
        if bytes.len() < Self::OVERHEAD {
            return Err(InvalidSealed::TooShort { length: bytes.len(), least: Self::OVERHEAD });
        }
        match bytes.as_slice() {
            [VERSION, AES_256_GCM, ..] => Ok(Self(bytes)),
            [VERSION, algorithm, ..] => Err(InvalidSealed::UnknownAlgorithm(*algorithm)),
            [version, ..] => Err(InvalidSealed::UnknownVersion(*version)),
            [] => Err(InvalidSealed::TooShort { length: 0, least: Self::OVERHEAD }),
        }
    }

    /// The bytes for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The data key it was sealed with.
    pub fn key_id(&self) -> DataKeyId {
        let id = self.0.get(PREFIX..PREFIX + KEY_ID).and_then(|bytes| bytes.try_into().ok());
        DataKeyId::from_bytes(id.unwrap_or_default())
    }

    /// Puts the parts together. `body` has [`HEADER`] bytes of room in front of the ciphertext.
    pub(crate) fn assemble(mut body: Vec<u8>, key: DataKeyId, nonce: [u8; NONCE]) -> Self {
        let header = [VERSION, AES_256_GCM].into_iter().chain(key.to_bytes()).chain(nonce);
        for (slot, byte) in body.iter_mut().zip(header) {
            *slot = byte;
        }
        Self(body)
    }

    /// The nonce, and the ciphertext with its tag.
    pub(crate) fn parts(&self) -> Option<([u8; NONCE], &[u8])> {
        let (header, body) = self.0.split_at_checked(HEADER)?;
        Some((*header.last_chunk::<NONCE>()?, body))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key_id()).field("bytes", &self.0.len()).finish()
    }
}
