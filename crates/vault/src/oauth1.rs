//! The key that signs OAuth 1.0a requests to old Bitbucket Server installations.
//!
//! Their application links know one signature only, RSA-SHA1 (RFC 5849, section 3.4.3): RSASSA-PKCS1-v1_5 over
//! SHA-1. The library that does all other cryptography here refuses to make it, so this one key uses the `rsa`
//! crate. That crate's private operations may tell an observer something by the time they take
//! (RUSTSEC-2023-0071, "Marvin"); every signature is therefore blinded with fresh random numbers, and the crate is
//! used for nothing else. SHA-1 is broken for collisions, which an attacker who cannot choose what we sign does
//! not gain from.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use domain::Entropy;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::Secret;

/// An RSA key pair for OAuth 1.0a with `RSA-SHA1`. No `Debug`; wiped when dropped.
pub struct OAuth1Key(RsaPrivateKey);

/// The key cannot be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOAuth1Key {
    /// The text is no private RSA key in PEM form.
    #[error("this is not a private RSA key in PEM form without a pass phrase")]
    NotAKey,
    /// The key is too small to be safe, or too large to be used.
    #[error("the RSA key has {0} bits; between 2048 and 8192 are needed")]
    Size(usize),
    /// The system has no random numbers to give.
    #[error("cannot make an RSA key")]
    NotGenerated,
}

/// The signature could not be made: the key is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot sign with the RSA key")]
pub struct SigningFailed;

impl OAuth1Key {
    /// Makes a key of 2048 bits: about 100 ms, so never on an async worker thread. The random numbers are those
    /// of the cryptographic library, which takes no others.
    ///
    /// # Errors
    ///
    /// [`InvalidOAuth1Key::NotGenerated`].
    pub fn generate() -> Result<Self, InvalidOAuth1Key> {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| InvalidOAuth1Key::NotGenerated)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| InvalidOAuth1Key::NotGenerated)?;
        RsaPrivateKey::from_pkcs8_der(der.as_ref()).map(Self).map_err(|_| InvalidOAuth1Key::NotGenerated)
    }

    /// Reads a private key: `BEGIN PRIVATE KEY` (PKCS#8) or `BEGIN RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// [`InvalidOAuth1Key`] when it is none, or of an unfit size.
    pub fn from_pem(pem: &Secret<String>) -> Result<Self, InvalidOAuth1Key> {
        let pem = pem.expose().trim();
        let key = RsaPrivateKey::from_pkcs8_pem(pem)
            .or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem))
            .map_err(|_| InvalidOAuth1Key::NotAKey)?;
        match key.n().bits() {
            2048..=8192 => Ok(Self(key)),
            bits => Err(InvalidOAuth1Key::Size(bits)),
        }
    }

    /// The private key as PEM text (PKCS#8), to be sealed.
    ///
    /// # Errors
    ///
    /// [`InvalidOAuth1Key::NotAKey`] when the key is damaged.
    pub fn to_pem(&self) -> Result<Secret<String>, InvalidOAuth1Key> {
        let pem: Zeroizing<String> =
            self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| InvalidOAuth1Key::NotAKey)?;
        Ok(Secret::from(pem))
    }

    /// The public key as PEM text (`BEGIN PUBLIC KEY`), for the forge's application link.
    ///
    /// # Errors
    ///
    /// [`InvalidOAuth1Key::NotAKey`] when the key is damaged.
    pub fn public_pem(&self) -> Result<String, InvalidOAuth1Key> {
        let public = self.0.to_public_key();
        public.to_public_key_pem(LineEnding::LF).map_err(|_| InvalidOAuth1Key::NotAKey)
    }

    /// Signs a signature base string (RFC 5849, section 3.4.1): about a millisecond. `entropy` blinds the
    /// operation and does not change the signature.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`].
    pub fn sign_sha1(&self, base_string: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, SigningFailed> {
        let digest = Sha1::digest(base_string);
        self.0
            .sign_with_rng(&mut Blinding(entropy), Pkcs1v15Sign::new::<Sha1>(), &digest)
            .map_err(|_| SigningFailed)
    }
}

/// [`Entropy`] in the form the `rsa` crate takes.
struct Blinding<'a>(&'a dyn Entropy);

impl rsa::rand_core::RngCore for Blinding<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Blinding<'_> {}
