//! Public keys as forges list them, and their fingerprints.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use md5::Md5;
use sha2::{Digest, Sha256};
use ssh_key::public::{EcdsaPublicKey, KeyData};

use super::reader::Reader;

/// A public SSH key of any algorithm, with its comment.
#[derive(Debug, Clone)]
pub struct PublicKey {
    key: KeyData,
    blob: Vec<u8>,
    comment: String,
}

/// The text or the bytes are not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a public SSH key such as `ssh-ed25519 AAAA…`")]
pub struct InvalidPublicKey;

/// The signature was not made over these bytes by this key, or not with an algorithm that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the key and the data")]
pub struct NotVerified;

/// An RSA key of 16384 bits makes a line of about 3 KiB.
const LONGEST: usize = 16 << 10;

impl PublicKey {
    /// Reads a line `algorithm base64 comment`; the comment may be missing.
    ///
    /// # Errors
    ///
    /// [`InvalidPublicKey`], also for a line over 16 KiB and for a key whose blob is of another algorithm.
    pub fn parse(line: &str) -> Result<Self, InvalidPublicKey> {
        let line = line.trim();
        if line.len() > LONGEST {
            return Err(InvalidPublicKey);
        }
        let parsed = ssh_key::PublicKey::from_openssh(line).map_err(|_| InvalidPublicKey)?;
        let comment = parsed.comment().as_str_lossy().to_owned();
        Ok(Self::from_data(parsed.key_data().clone())?.with_comment(&comment))
    }

    /// Reads the binary form, which stands in the line as base 64.
    ///
    /// # Errors
    ///
    /// [`InvalidPublicKey`].
    pub fn from_blob(blob: &[u8]) -> Result<Self, InvalidPublicKey> {
        if blob.len() > LONGEST {
            return Err(InvalidPublicKey);
        }
        let parsed = ssh_key::PublicKey::from_bytes(blob).map_err(|_| InvalidPublicKey)?;
        Self::from_data(parsed.key_data().clone())
    }

    pub(super) fn from_data(key: KeyData) -> Result<Self, InvalidPublicKey> {
        let blob = ssh_key::PublicKey::from(key.clone()).to_bytes().map_err(|_| InvalidPublicKey)?;
        Ok(Self { key, blob, comment: String::new() })
    }

    /// The same key with another comment. Control characters, which would end the line, are left out.
    #[must_use]
    pub fn with_comment(mut self, comment: &str) -> Self {
        let printable = comment.trim().chars().filter(|letter| !letter.is_control());
        self.comment = printable.collect();
        self
    }

    /// The comment; often empty.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The algorithm's name in the protocol, such as `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.key.algorithm().to_string()
    }

    /// The binary form. Two keys are the same when these are.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The line for a forge's form or an `authorized_keys` file, without an end of line.
    pub fn line(&self) -> String {
        let key = base64::engine::general_purpose::STANDARD.encode(&self.blob);
        let line = format!("{} {key} {}", self.algorithm(), self.comment);
        line.trim_end().to_owned()
    }

    /// SHA-256 of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.blob).into())
    }

    /// MD5 of the key in the form `16:27:ac:…`, for comparison with forges that list nothing better. It proves
    /// nothing.
    pub fn md5_fingerprint(&self) -> String {
        let digest: [u8; 16] =
            md5::Digest::finalize(md5::Digest::chain_update(Md5::default(), &self.blob)).into();
        digest.map(|byte| hex::encode([byte])).join(":")
    }

    /// Whether a fingerprint as some forge writes it is this key's: `SHA256:…`, `MD5:16:27:…` or `16:27:…`.
    pub fn has_fingerprint(&self, text: &str) -> bool {
        let text = text.trim();
        let sha256 = self.fingerprint().to_string();
        let md5 = self.md5_fingerprint();
        // Some forges pad the base 64.
        text.trim_end_matches('=') == sha256
            || text.eq_ignore_ascii_case(&md5)
            || text.strip_prefix("MD5:").is_some_and(|text| text.eq_ignore_ascii_case(&md5))
    }

    /// Verifies a signature in the protocol's form (`string algorithm, string signature`): Ed25519, ECDSA on
    /// P-256, and RSA from 2048 bits with SHA-256 or SHA-512.
    ///
    /// # Errors
    ///
    /// [`NotVerified`], also for every other algorithm.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), NotVerified> {
        let mut reader = Reader::new(signature);
        let algorithm = reader.text().ok_or(NotVerified)?;
        let signature = reader.string().ok_or(NotVerified)?;
        reader.end().ok_or(NotVerified)?;
        let verified = match (&self.key, algorithm) {
            (KeyData::Ed25519(key), "ssh-ed25519") => {
                UnparsedPublicKey::new(&ED25519, key.0.as_slice()).verify(data, signature)
            }
            (KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)), "ecdsa-sha2-nistp256") => {
                let fixed = fixed_ecdsa(signature).ok_or(NotVerified)?;
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes()).verify(data, &fixed)
            }
            (KeyData::Rsa(key), "rsa-sha2-256" | "rsa-sha2-512") => {
                let parameters = match algorithm {
                    "rsa-sha2-256" => &RSA_PKCS1_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA512,
                };
                let components = PublicKeyComponents {
                    n: key.n().as_positive_bytes().ok_or(NotVerified)?,
                    e: key.e().as_positive_bytes().ok_or(NotVerified)?,
                };
                components.verify(parameters, data, signature)
            }
            _ => return Err(NotVerified),
        };
        verified.map_err(|_| NotVerified)
    }
}

impl PartialEq for PublicKey {
    /// Comments do not count.
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

/// `mpint r, mpint s` (RFC 5656, section 3.1.2) as two numbers of 32 bytes.
fn fixed_ecdsa(signature: &[u8]) -> Option<[u8; 64]> {
    let mut reader = Reader::new(signature);
    let (r, s) = (reader.positive::<32>()?, reader.positive::<32>()?);
    reader.end()?;
    let mut fixed = [0; 64];
    for (slot, byte) in fixed.iter_mut().zip(r.into_iter().chain(s)) {
        *slot = byte;
    }
    Some(fixed)
}

/// SHA-256 of a public key. Written as OpenSSH does: `SHA256:` and base 64 without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}
