//! Git inside a workspace: how it is configured, and what it asks the server while it works.
//!
//! Neither tokens nor private keys are kept in a workspace. Git's credential helper and the SSH agent in
//! it turn what they are asked for into an [`Ask`], which the server answers or refuses.

use std::fmt;

use domain::RefKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How Git and SSH in the workspace are to be set up. Sent whole on every connection and at every change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSettings {
    /// Origins (`https://forge.example.com`) that Git reaches through the server and asks it for
    /// credentials of.
    #[serde(default)]
    pub origins: Vec<String>,
    /// `user.name` where the person has not set another.
    #[serde(default)]
    pub author_name: Option<String>,
    /// `user.email`, likewise.
    #[serde(default)]
    pub author_email: Option<String>,
    /// The person's public SSH key, `ssh-ed25519 AAAA…`; commits can be signed with it.
    #[serde(default)]
    pub signing_key: Option<String>,
    /// Whether every commit is signed.
    #[serde(default)]
    pub sign_commits: bool,
    /// Where SSH goes through the server.
    #[serde(default)]
    pub ssh_hosts: Vec<SshHost>,
    /// Certificate authorities to trust at single origins, besides those of the system.
    #[serde(default)]
    pub authorities: Vec<OriginAuthority>,
}

/// Certificate authorities to trust at one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginAuthority {
    /// The origin, `https://forge.example.com`.
    pub origin: String,
    /// The certificates, PEM.
    pub pem: String,
}

/// A host that SSH reaches through the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshHost {
    /// Name or address, as in addresses of repositories.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User to sign in as unless the address names one.
    pub user: String,
    /// The host's public keys, `ssh-ed25519 AAAA…`. No others are accepted, unless there are none here.
    #[serde(default)]
    pub host_keys: Vec<String>,
}

/// Something inside wants to know something that only the server does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Names it until it is answered.
    pub id: u64,
    /// What it wants to know.
    pub question: Question,
}

/// What Git's credential helper is asked about (gitcredentials(7)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialFor {
    /// `https` or `http`.
    pub protocol: String,
    /// Host, with the port if it is not the protocol's own.
    pub host: String,
    /// Path of the repository, without a slash at the beginning.
    #[serde(default)]
    pub path: Option<String>,
    /// User name, if the address has one.
    #[serde(default)]
    pub username: Option<String>,
    /// Whether it looks like a push. Only for better words: the forge decides what the credential may.
    #[serde(default)]
    pub is_push: bool,
}

/// What something inside wants to know. Bytes are base 64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Question {
    /// Git needs a user name and a password.
    Credential(CredentialFor),
    /// The forge did not take what was answered last.
    CredentialRefused(CredentialFor),
    /// The SSH agent's keys.
    SshIdentities,
    /// A signature by one of the SSH agent's keys.
    SshSign {
        /// The public key, in the protocol's binary form.
        key: String,
        /// What is to be signed.
        data: String,
        /// The agent protocol's flags: 2 and 4 choose the hash of an RSA key.
        flags: u32,
        /// The contents of each `session-bind@openssh.com` on this connection, oldest first.
        #[serde(default)]
        binds: Vec<String>,
    },
    /// Something this release does not know.
    #[serde(other)]
    Unknown,
}

/// What the server says to an [`Ask`]. Carries secrets: there is no `Debug` and no `Clone`.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AskAnswer {
    /// A user name and a password.
    Credential {
        /// User name.
        username: String,
        /// Password.
        password: String,
        /// When the password ends; Git does not keep it longer.
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
    /// The server knows nothing about it; whoever asks goes on by itself.
    Nothing,
    /// The server knows, and says no.
    Refused {
        /// Why.
        why: String,
        /// What to do about it.
        mend: String,
    },
    /// The keys there are.
    Identities {
        /// Each with its comment.
        keys: Vec<SshIdentity>,
    },
    /// A signature in the protocol's binary form, base 64.
    Signature {
        /// `string algorithm, string signature`.
        signature: String,
    },
}

/// A public key that the SSH agent can sign with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshIdentity {
    /// The public key in the protocol's binary form, base 64.
    pub key: String,
    /// Its comment.
    pub comment: String,
}

impl fmt::Display for AskAnswer {
    /// What kind of answer it is, never what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential { .. } => "a credential",
            Self::Nothing => "nothing",
            Self::Refused { .. } => "a refusal",
            Self::Identities { .. } => "identities",
            Self::Signature { .. } => "a signature",
        })
    }
}

/// Clones a repository, once: a finished clone of the same repository is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneRequest {
    /// Address over HTTP(S).
    pub url: String,
    /// Branch, tag or commit; the default branch where absent.
    pub reference: Option<String>,
    /// Absolute folder to make. A half-made one of an earlier try is removed first.
    pub folder: String,
    /// Whether git reaches this forge through the server (`/v1/egress`) and not by itself.
    pub through_server: bool,
    /// `user.name` to set in the clone, for an agent that knows no [`GitSettings`].
    #[serde(default)]
    pub author_name: Option<String>,
    /// `user.email` to set in the clone, likewise.
    #[serde(default)]
    pub author_email: Option<String>,
    /// What `reference` names; git decides where absent.
    #[serde(default)]
    pub ref_kind: Option<RefKind>,
    /// The commit to check out, detached, where no `reference` is given.
    #[serde(default)]
    pub revision: Option<String>,
    /// A new branch to make from what was checked out.
    #[serde(default)]
    pub local_branch: Option<String>,
    /// Becomes the remote `upstream`.
    #[serde(default)]
    pub upstream: Option<String>,
    /// The branch that the checked out one is to be merged into: of `upstream`, or of the repository
    /// itself where there is none.
    #[serde(default)]
    pub upstream_branch: Option<String>,
}

/// Clones a person's dotfiles into `~/.dotfiles` and installs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DotfilesRequest {
    /// Address over HTTP(S).
    pub url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_of_a_later_release_is_unknown_and_no_error() {
        let ask: Ask = serde_json::from_str(r#"{"id":7,"question":{"kind":"weather","at":"home"}}"#).unwrap();

        assert_eq!(ask, Ask { id: 7, question: Question::Unknown });
    }

    #[test]
    fn an_older_server_s_clone_is_understood() {
        let text = r#"{"url":"https://a.test/b","reference":"main","folder":"/w/b","through_server":true}"#;

        let request: CloneRequest = serde_json::from_str(text).unwrap();

        assert_eq!(request.reference.as_deref(), Some("main"));
        assert_eq!((request.ref_kind, request.upstream), (None, None));
    }

    #[test]
    fn an_answer_never_shows_its_secret() {
        let answer =
            AskAnswer::Credential { username: "oauth2".into(), password: "hidden".into(), expires_at: None };

        assert_eq!(answer.to_string(), "a credential");
    }
}
