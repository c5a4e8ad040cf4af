//! SSH keys of people: made and kept here, used through an agent, never handed out.
//!
//! - [`KeyPair`] is a person's private key and makes the signatures an SSH agent is asked for.
//! - [`PublicKey`] and [`Fingerprint`] are what forges list and people compare.
//! - [`SignatureRequest`] and [`SessionBind`] say what a signature is for, so that an agent can refuse.
//!
//! All private operations are those of the library that serves TLS too. RSA never signs with SHA-1.

mod key_pair;
mod public_key;
mod reader;
mod session_bind;
mod signature_request;

pub use domain::SshAlgorithm as Algorithm;
pub use key_pair::{KeyError, KeyPair, SignError};
pub use public_key::{Fingerprint, InvalidPublicKey, NotVerified, PublicKey};
pub use session_bind::{InvalidSessionBind, SessionBind};
pub use signature_request::SignatureRequest;
