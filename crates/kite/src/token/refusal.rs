//! Why a kite key or token is refused, and what strangers are told of it.

use crate::Error;

/// Why a kite key or token was refused. `Display` is for our own log; see [`Refusal::public`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than [`super::MAX_BYTES`].
    #[error("longer than any token that we sign")]
    TooLong,
    /// Not three parts with dots between them.
    #[error("not three parts")]
    Parts,
    /// A part is not base64 for URLs without padding, or not the JSON that it must be.
    #[error("a part is not readable")]
    Malformed,
    /// Signed with anything but RS256, or not at all.
    #[error("signed with another algorithm than RS256")]
    Algorithm,
    /// The header names extensions that must be understood (`crit`); there are none that we understand.
    #[error("asks for extensions that are not understood")]
    Critical,
    /// The header does not say which key signed it.
    #[error("does not say which key signed it")]
    NoKeyId,
    /// The key that it names is not known here, or no longer.
    #[error("signed with a key that is not known")]
    UnknownKey,
    /// The signature is not that key's over this text.
    #[error("the signature is wrong")]
    Signature,
    /// Issuer, subject or id is empty.
    #[error("a claim is empty")]
    Empty,
    /// Signed for another registry.
    #[error("of another issuer")]
    Issuer,
    /// Good somewhere else, or at more than one kite.
    #[error("good at another place")]
    Audience,
    /// `iat`, `nbf` and `exp` are out of order, before 1970, in the future, or too far apart.
    #[error("its times make no sense")]
    Times,
    /// Not good yet.
    #[error("not good yet")]
    NotYet,
    /// Not good any more.
    #[error("expired")]
    Expired,
}

impl Refusal {
    /// The sentence for whoever presented it.
    ///
    /// "token is expired" makes clients fetch a new one and try again. It is said of a bad signature and an
    /// unknown key too, because that is what a token looks like after the registry's key was rotated.
    pub fn public(self) -> &'static str {
        match self {
            Self::Expired | Self::Signature | Self::UnknownKey => EXPIRED,
            Self::TooLong
            | Self::Parts
            | Self::Malformed
            | Self::Algorithm
            | Self::Critical
            | Self::NoKeyId
            | Self::Empty
            | Self::Issuer
            | Self::Audience
            | Self::Times
            | Self::NotYet => "token is not valid",
        }
    }
}

/// What a client takes as "fetch a new token".
pub(crate) const EXPIRED: &str = "token is expired";

impl From<Refusal> for Error {
    /// An authentication error with the public sentence.
    fn from(refusal: Refusal) -> Self {
        Self::authentication(refusal.public())
    }
}
