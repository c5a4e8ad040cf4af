//! Secrets: how they are held in memory, hashed, and compared.

mod password;
mod secret;
mod token;

pub use password::{PasswordHash, hash_password, verify_password};
pub use secret::Secret;
pub use token::{Token, TokenHash};
