//! Kite keys and tokens: what a registry signs and others verify.
//!
//! Both are JSON web tokens signed with RS256, the only algorithm that the original's clients know. A *kite key*
//! lives for weeks, says who somebody is, and is good at the registry alone. A *token* lives for an hour and is
//! good at exactly one kite, the one whose seven fields are its audience. Neither can pass for the other: the
//! audience of a kite key is the registry's URL, that of a token begins with `/` and has seven parts.
//!
//! [`KeySet`] verifies. It refuses every algorithm but RS256 before it looks at any key, chooses the key by the
//! header's `kid` among the keys it was given, and never takes one from inside what it verifies. Why something was
//! refused is a [`Refusal`], for our log; strangers get [`Refusal::public`], one of two sentences. A bad
//! signature and an unknown key are told as "token is expired", as the original does: they are what a client sees
//! after the registry's key was rotated, and that sentence makes it fetch a new token.
//!
//! The time is always an argument.

mod claims;
mod key;
mod key_set;
mod refusal;
mod sign;
mod text;

pub use claims::{Claims, KiteKeyClaims, MAX_KITE_KEY_LIFE, MAX_TOKEN_LIFE, TokenClaims};
pub use key::{KeyError, PublicKey, SigningKey};
pub use key_set::{Expected, KeySet, LEEWAY, MAX_BYTES, Verified};
pub(crate) use refusal::EXPIRED;
pub use refusal::Refusal;
pub use sign::SignError;
pub use text::TokenText;
