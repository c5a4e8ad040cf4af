//! Secrets: how they are held in memory, hashed and compared, sealed for the store, and signed with.
//!
//! - [`Secret`], [`Token`], [`PasswordHash`]: what is never printed, and what is stored only as a hash.
//! - [`DataKey`] seals values for their [`Place`] in the store; a [`PlatformKey`] wraps data keys.
//! - [`OAuth1Key`] and [`ssh`]: keys that sign for people and for the installation.
//!
//! **Invariant:** knows neither the store nor HTTP.

mod data_key;
mod file_key;
mod oauth1;
mod password;
mod place;
mod platform_key;
mod sealed;
mod secret;
pub mod ssh;
mod token;

pub use data_key::{DataKey, OpenError};
pub use file_key::FileKey;
pub use oauth1::{InvalidOAuth1Key, OAuth1Key, SigningFailed};
pub use password::{PasswordHash, hash_password, verify_password};
pub use place::Place;
pub use platform_key::{PlatformKey, PlatformKeyError, Wrapped};
pub use sealed::{InvalidSealed, Sealed};
pub use secret::Secret;
pub use token::{Token, TokenHash};
