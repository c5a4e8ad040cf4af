//! What callers are told when something is refused. Never whether a kite that they may not see exists.

use kite::Error;

use crate::policy::Refused;

/// Kinds of errors of the registry's own (the wire's `type`).
pub mod kind {
    /// The caller may not do this.
    pub const NOT_ALLOWED: &str = "notAllowed";
    /// There is no such kite, user or watch, as far as the caller may know.
    pub const NOT_FOUND: &str = "notFound";
    /// There are as many as there may be.
    pub const TOO_MANY: &str = "tooMany";
    /// The registry cannot find out now.
    pub const UNAVAILABLE: &str = "unavailable";
}

/// The sentence of the original.
pub(crate) const NO_KITES: &str = "no kites found";

/// What an API token is told that is not good for something.
pub(crate) const LACKS_SCOPE: &str =
    "the API token lacks the scope for this; use a kite key, or a token with the scope `all`";

pub(crate) fn not_allowed(message: &str) -> Error {
    Error::custom(kind::NOT_ALLOWED, message, "")
}

pub(crate) fn not_found(message: &str) -> Error {
    Error::custom(kind::NOT_FOUND, message, "")
}

pub(crate) fn too_many(message: &str) -> Error {
    Error::custom(kind::TOO_MANY, message, "")
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotGood => Self::authentication(
                "the credential is wrong or not good any more; make a new kite key or API token and use that",
            ),
            Refused::NotAllowed => not_allowed("you may not do this, or there is no such thing"),
            Refused::LacksScope => not_allowed(LACKS_SCOPE),
            Refused::TheirOwn => Self::argument("it is yours already; name somebody else to share it with"),
            Refused::NoSuchUser => not_found("no such user; check the name"),
            Refused::TooMany => {
                too_many("you have as many of these as one person may have; remove some first")
            }
            Refused::Throttled => Self::rate_limited(),
            Refused::Unavailable => Self::custom(
                kind::UNAVAILABLE,
                "the registry cannot answer this now; try again in a moment",
                "",
            ),
        }
    }
}
