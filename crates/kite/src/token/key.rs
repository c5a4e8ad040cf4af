//! The registry's key pair and its public half.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use jsonwebtoken::DecodingKey;
use pem::{EncodeConfig, LineEnding, Pem};
use zeroize::{Zeroize, Zeroizing};

/// PEM label of a PKCS#8 private key (RFC 7468, section 10).
const PKCS8: &str = "PRIVATE KEY";
/// PEM label of a SubjectPublicKeyInfo (RFC 7468, section 13).
const SPKI: &str = "PUBLIC KEY";
/// PEM label of an RSAPublicKey (PKCS#1), as the original wrote it.
const PKCS1: &str = "RSA PUBLIC KEY";
/// Far more than the 3.2 KB of an RSA key of 4096 bits.
const MAX_PEM_BYTES: usize = 16 * 1024;
/// RS256 asks for at least 2048 bits (RFC 7518, section 3.3).
const MIN_MODULUS_BYTES: usize = 256;
/// RSA verification takes time with the key's length; 4096 bits are the most that is in use.
const MAX_MODULUS_BYTES: usize = 512;

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not one PEM block, or too long.
    #[error("not a PEM file with one key")]
    NotPem,
    /// A PEM block of another kind.
    #[error("not the kind of key that is asked for; a private key is PKCS#8, a public one SPKI or PKCS#1")]
    WrongLabel,
    /// What is inside is no RSA key.
    #[error("not an RSA key")]
    NotRsa,
    /// Shorter than RS256 allows, or longer than is sensible.
    #[error("the RSA key has {bits} bits; 2048 to 4096 are accepted")]
    Length {
        /// Bits of the modulus.
        bits: usize,
    },
    /// The cryptographic library refused to make or write a key.
    #[error("cannot make the key")]
    Unavailable,
}

/// The private key that a registry signs with. No `Debug`, `Clone` or `Serialize`.
pub struct SigningKey {
    pub(super) pair: KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Makes a fresh RSA key of 2048 bits, from the operating system's randomness. Takes 0.1 s, at times much longer.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unavailable`] if the library has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Self::of(KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Unavailable)?)
    }

    /// Reads a PKCS#8 PEM.
    ///
    /// # Errors
    ///
    /// If it is not exactly one RSA key of 2048 to 4096 bits in that form.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = one_block(text)?;
        if block.tag() != PKCS8 {
            return Err(KeyError::WrongLabel);
        }
        let der = Zeroizing::new(block.into_contents());
        Self::of(KeyPair::from_pkcs8(&der).map_err(|_| KeyError::NotRsa)?)
    }

    /// The key as PKCS#8 PEM, to be sealed and kept.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unavailable`] if the library cannot write it.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der = self.pair.as_der().map_err(|_| KeyError::Unavailable)?;
        let text = Zeroizing::new(to_pem(PKCS8, der.as_ref().to_vec()));
        Ok(text)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key's name: see [`PublicKey::id`].
    pub fn id(&self) -> &str {
        self.public.id()
    }

    fn of(pair: KeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::of(pair.public_key())?;
        Ok(Self { pair, public })
    }
}

/// The public half of a registry's key: verifies what the private one signed.
#[derive(Clone)]
pub struct PublicKey {
    id: String,
    pem: String,
    pub(super) decoding: DecodingKey,
}

impl PublicKey {
    /// Reads a PEM with a SubjectPublicKeyInfo (`PUBLIC KEY`), or a PKCS#1 key (`RSA PUBLIC KEY`).
    ///
    /// # Errors
    ///
    /// If it is not exactly one RSA key of 2048 to 4096 bits in one of these forms.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = one_block(text)?;
        if block.tag() != SPKI && block.tag() != PKCS1 {
            return Err(KeyError::WrongLabel);
        }
        let key = aws_lc_rs::rsa::PublicKey::from_der(block.contents()).map_err(|_| KeyError::NotRsa)?;
        Self::of(&key)
    }

    /// The key's name, `kid` in the header of what it signed: the first 16 hexadecimal digits of the SHA-256 of
    /// its SubjectPublicKeyInfo in DER.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as SubjectPublicKeyInfo PEM, with line feeds and one at the end.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    fn of(key: &aws_lc_rs::rsa::PublicKey) -> Result<Self, KeyError> {
        let length = key.modulus_len();
        if !(MIN_MODULUS_BYTES..=MAX_MODULUS_BYTES).contains(&length) {
            return Err(KeyError::Length { bits: length.saturating_mul(8) });
        }
        let spki: PublicKeyX509Der<'_> = key.as_der().map_err(|_| KeyError::NotRsa)?;
        Ok(Self {
            id: name(spki.as_ref()),
            pem: to_pem(SPKI, spki.as_ref().to_vec()),
            decoding: DecodingKey::from_rsa_der(key.as_ref()),
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.id).finish()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Eq for PublicKey {}

/// The first eight bytes of the hash, as hexadecimal digits.
fn name(spki: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, spki);
    let first = hash.as_ref().iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    format!("{first:016x}")
}

fn one_block(text: &str) -> Result<Pem, KeyError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(KeyError::NotPem);
    }
    let mut blocks = pem::parse_many(text).map_err(|_| KeyError::NotPem)?;
    match (blocks.pop(), blocks.is_empty()) {
        (Some(block), true) => Ok(block),
        _ => Err(KeyError::NotPem),
    }
}

fn to_pem(label: &str, der: Vec<u8>) -> String {
    let block = Pem::new(label, der);
    let text = pem::encode_config(&block, EncodeConfig::new().set_line_ending(LineEnding::LF));
    block.into_contents().zeroize();
    text
}
