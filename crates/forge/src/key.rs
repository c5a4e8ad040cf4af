//! SSH keys of an account.

use crate::api::Answer;
use crate::{Fault, ForgeError};

/// A public key as it is registered for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedKey {
    /// The forge's id of it.
    pub id: String,
    /// Its title there.
    pub title: String,
    /// `ssh-ed25519 AAAA…`, perhaps with a comment.
    pub line: String,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddKey {
    /// It is registered now.
    Added {
        /// The forge's id of it.
        id: String,
    },
    /// The account had it already.
    AlreadyThere {
        /// The forge's id of it.
        id: String,
    },
    /// Another account of this forge has it; no forge takes a key twice.
    TakenByAnother,
}

/// Whether two lines hold the same key, whatever their comments.
pub(crate) fn is_same_key(one: &str, other: &str) -> bool {
    let essence = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (essence(one), essence(other));
    one.len() == 2 && one == other
}

/// What a refusal of a key that is not the account's own means: somebody else's, where the forge says so in
/// `words`, or a key that breaks a rule of the forge.
pub(crate) fn refused(answer: &Answer, words: &[&str]) -> Result<AddKey, ForgeError> {
    let body = String::from_utf8_lossy(answer.body());
    if words.iter().any(|words| body.contains(words)) {
        return Ok(AddKey::TakenByAnother);
    }
    let host = answer.host();
    Err(ForgeError::new(
        Fault::Request,
        format!("`{host}` does not take the SSH key"),
        "choose another kind of key in Hearth's settings; administrators of a forge may allow only some kinds",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_makes_no_other_key() {
        assert!(is_same_key("ssh-ed25519 AAAA me@here", "ssh-ed25519  AAAA"));
        assert!(!is_same_key("ssh-ed25519 AAAA", "ssh-ed25519 BBBB"));
        assert!(!is_same_key("", ""));
    }
}
