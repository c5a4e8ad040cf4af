//! Web hooks of a repository.

use url::Url;
use vault::Secret;

/// What a hook is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookEvent {
    /// Commits and branches.
    Push,
    /// Tags.
    Tag,
    /// Merge and pull requests.
    MergeRequest,
    /// Comments.
    Comment,
    /// Issues.
    Issue,
}

/// A hook as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The forge's id of it.
    pub id: String,
    /// What is called.
    pub url: String,
}

/// A hook to register.
pub struct NewHook {
    /// What to call.
    pub url: Url,
    /// What the forge proves itself with.
    pub proof: HookProof,
    /// When to call.
    pub events: Vec<HookEvent>,
}

/// What a forge proves itself with when it calls.
pub enum HookProof {
    /// GitLab sends it along in clear; everybody else signs with it.
    Shared(Secret<String>),
    /// GitLab since 19.0 ([`crate::Capabilities::signed_hooks`]) signs with it: `whsec_` and 32 bytes in
    /// Base64. Everybody else takes it like the other.
    Signing(Secret<String>),
}

impl HookProof {
    /// The secret itself.
    pub fn secret(&self) -> &Secret<String> {
        match self {
            Self::Shared(secret) | Self::Signing(secret) => secret,
        }
    }
}
