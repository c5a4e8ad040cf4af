//! Passwords: argon2id with the parameters OWASP names (19 MiB, two passes, one lane).

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Entropy;

use crate::secret::Secret;

/// A password's hash in PHC text form, as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

fn argon2id() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password: about 20 ms and 19 MiB, so never on an async worker thread.
///
/// # Errors
///
/// Only for a password the algorithm cannot take (longer than 4 GiB).
pub fn hash_password(
    password: &Secret<String>,
    entropy: &dyn Entropy,
) -> Result<PasswordHash, argon2::password_hash::Error> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let hash = argon2id().hash_password_with_salt(password.expose().as_bytes(), &salt)?;
    Ok(PasswordHash(hash.to_string()))
}

/// Whether the password is the one behind the hash. Costs as much as hashing.
pub fn verify_password(password: &Secret<String>, hash: &PasswordHash) -> bool {
    argon2::password_hash::phc::PasswordHash::new(&hash.0)
        .is_ok_and(|hash| argon2id().verify_password(password.expose().as_bytes(), &hash).is_ok())
}
