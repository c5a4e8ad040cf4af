//! A person's SSH key pair: made, stored, and signing.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RsaKeyPair,
};
use domain::{Entropy, SshAlgorithm};
use ssh_key::Mpint;
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use zeroize::Zeroizing;

use super::reader::{put_positive, put_string};
use super::{InvalidPublicKey, PublicKey};
use crate::Secret;

/// A private key with its public half. No `Debug`; wiped when dropped.
pub struct KeyPair {
    private: Private,
    public: PublicKey,
}

enum Private {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// The key pair cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The library could not make one.
    #[error("cannot make an SSH key")]
    NotGenerated,
    /// The bytes are no private key of a known kind.
    #[error("the stored SSH key cannot be read")]
    Unreadable,
}

/// Why a key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The client asked for RSA with SHA-1.
    #[error("signatures with SHA-1 are not made; the client must ask for rsa-sha2-256 or rsa-sha2-512")]
    Sha1,
    /// The library could not.
    #[error("cannot sign with the SSH key")]
    Failed,
}

/// `SSH_AGENT_RSA_SHA2_256` and `SSH_AGENT_RSA_SHA2_512` of the agent protocol's sign request.
const FLAG_SHA2_256: u32 = 2;
const FLAG_SHA2_512: u32 = 4;

/// `ECPrivateKey` (RFC 5915) of a number on P-256: `SEQUENCE { INTEGER 1, OCTET STRING (32) …, [0] prime256v1 }`.
const EC_HEAD: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
const EC_TAIL: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

impl KeyPair {
    /// Makes a key pair. RSA takes a second or more, so never on an async worker thread, and its random numbers
    /// are those of the cryptographic library, which takes no others.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotGenerated`].
    pub fn generate(algorithm: SshAlgorithm, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        let private = match algorithm {
            SshAlgorithm::Ed25519 => {
                entropy.fill(seed.as_mut_slice());
                Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).ok().map(Private::Ed25519)
            }
            SshAlgorithm::EcdsaP256 => {
                // One in 2³² numbers is not on the curve's scale.
                let mut tries = (0..8).map(|_| {
                    entropy.fill(seed.as_mut_slice());
                    let der = Zeroizing::new([&EC_HEAD, seed.as_slice(), &EC_TAIL].concat());
                    EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()
                });
                tries.find_map(|pair| pair).map(Private::EcdsaP256)
            }
            SshAlgorithm::Rsa4096 => RsaKeyPair::generate(KeySize::Rsa4096).ok().map(Private::Rsa),
        };
        Self::new(private.ok_or(KeyError::NotGenerated)?).map_err(|_| KeyError::NotGenerated)
    }

    /// Reads what [`KeyPair::to_pkcs8`] gave.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unreadable`].
    pub fn from_pkcs8(der: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let der = der.expose();
        let private = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map(Private::Ed25519)
            .or_else(|_| {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Private::EcdsaP256)
            })
            .or_else(|_| RsaKeyPair::from_pkcs8(der).map(Private::Rsa));
        Self::new(private.map_err(|_| KeyError::Unreadable)?).map_err(|_| KeyError::Unreadable)
    }

    /// The private key as PKCS#8 in DER form, to be sealed.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unreadable`] when the library cannot write it.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        let der = match &self.private {
            Private::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Private::EcdsaP256(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Private::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec()),
        };
        der.map(Secret::new).map_err(|_| KeyError::Unreadable)
    }

    /// The kind of key. RSA keys of other sizes, if one is ever read, count as the one kind there is.
    pub fn algorithm(&self) -> SshAlgorithm {
        match self.private {
            Private::Ed25519(_) => SshAlgorithm::Ed25519,
            Private::EcdsaP256(_) => SshAlgorithm::EcdsaP256,
            Private::Rsa(_) => SshAlgorithm::Rsa4096,
        }
    }

    /// The public half, without a comment.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs as an SSH agent does, and gives the signature in the protocol's form (`string algorithm, string
    /// signature`). `flags` are those of the agent's sign request: an RSA key needs 2 (SHA-256) or 4 (SHA-512).
    ///
    /// What the data is for must be checked before, with [`super::SignatureRequest`].
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn sign_agent(&self, data: &[u8], flags: u32) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        let (algorithm, signature) = match &self.private {
            Private::Ed25519(pair) => {
                ("ssh-ed25519", pair.try_sign(data).map_err(|_| SignError::Failed)?.as_ref().to_vec())
            }
            Private::EcdsaP256(pair) => {
                let fixed = pair.sign(&random, data).map_err(|_| SignError::Failed)?;
                let (r, s) = fixed.as_ref().split_at_checked(32).ok_or(SignError::Failed)?;
                let mut numbers = Vec::with_capacity(80);
                put_positive(&mut numbers, r);
                put_positive(&mut numbers, s);
                ("ecdsa-sha2-nistp256", numbers)
            }
            Private::Rsa(pair) => {
                // Both at once: the one OpenSSH's agent takes.
                let (algorithm, padding) = if flags & FLAG_SHA2_256 != 0 {
                    ("rsa-sha2-256", &RSA_PKCS1_SHA256)
                } else if flags & FLAG_SHA2_512 != 0 {
                    ("rsa-sha2-512", &RSA_PKCS1_SHA512)
                } else {
                    return Err(SignError::Sha1);
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, data, &mut signature).map_err(|_| SignError::Failed)?;
                (algorithm, signature)
            }
        };
        let mut blob = Vec::with_capacity(8 + algorithm.len() + signature.len());
        put_string(&mut blob, algorithm.as_bytes());
        put_string(&mut blob, &signature);
        Ok(blob)
    }

    fn new(private: Private) -> Result<Self, InvalidPublicKey> {
        let data = match &private {
            Private::Ed25519(pair) => {
                let bytes: &[u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| InvalidPublicKey)?;
                KeyData::Ed25519(Ed25519PublicKey(*bytes))
            }
            Private::EcdsaP256(pair) => EcdsaPublicKey::from_sec1_bytes(pair.public_key().as_ref())
                .map(KeyData::Ecdsa)
                .map_err(|_| InvalidPublicKey)?,
            Private::Rsa(pair) => {
                let public = pair.public_key();
                let e = Mpint::from_positive_bytes(public.exponent().big_endian_without_leading_zero());
                let n = Mpint::from_positive_bytes(public.modulus().big_endian_without_leading_zero());
                KeyData::Rsa(RsaPublicKey::new(e, n).map_err(|_| InvalidPublicKey)?)
            }
        };
        Ok(Self { private, public: PublicKey::from_data(data)? })
    }
}
