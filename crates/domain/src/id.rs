//! Typed ids: a UUID of version 7 behind a prefix that says what it names (`ws_…`).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::outside::Entropy;

/// The text was not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_…`")]
pub struct InvalidId {
    text: String,
    prefix: &'static str,
}

/// Length of the part behind the prefix: 128 bits in base 32, rounded up.
const DIGITS: usize = 26;
/// Crockford's alphabet in lower case: no `i`, `l`, `o`, `u`, so an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(uuid: Uuid) -> [u8; DIGITS] {
    let mut rest = uuid.as_u128();
    let mut text = [b'0'; DIGITS];
    for slot in text.iter_mut().rev() {
        let digit = usize::try_from(rest & 31).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    text
}

fn decode(text: &str) -> Option<Uuid> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes()
        .try_fold(0u128, |value, byte| {
            let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
            value.checked_mul(32)?.checked_add(u128::try_from(digit).ok()?)
        })
        .map(Uuid::from_u128)
}

fn version_7(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Declares one id type. A macro because every id has the same eight conversions and nothing else.
macro_rules! define_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Names nothing: no generated id is this one.
            pub const NIL: Self = Self(Uuid::nil());

            /// The id as 16 bytes, for where text is too long.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// The id that [`Self::to_bytes`] gave.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Makes a fresh id: version 7, so ids sort by creation time (RFC 9562, section 5.7).
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(version_7(now, entropy))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                write!(f, "{}_{}", $prefix, String::from_utf8_lossy(&text))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.chars().take(64).collect(), prefix: $prefix })
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }
    )+};
}

define_id! {
    /// Names a workspace.
    WorkspaceId = "ws";
    /// Names a person who can sign in.
    UserId = "usr";
    /// Names one sign-in of one browser.
    SessionId = "ses";
    /// Names an API token (not the token itself, which is a secret).
    TokenId = "tok";
    /// Names a sealed, read-only state of a workspace's disk.
    SnapshotId = "snap";
    /// Names one wanted outside action in the outbox.
    EffectId = "eff";
    /// Names a durable log.
    LogId = "log";
    /// Names a forge: one Git hosting instance, or one identity provider.
    ForgeId = "forge";
    /// Names a link: a person's account on a forge.
    LinkId = "link";
    /// Names a team.
    TeamId = "team";
    /// Names an invitation to a team.
    InvitationId = "inv";
    /// Names one round trip to a forge's sign-in page.
    AttemptId = "att";
    /// Names a data key, which seals secrets.
    DataKeyId = "dek";
    /// Names a kite key: what a program registers at the registry with.
    KiteKeyId = "kkey";
}
