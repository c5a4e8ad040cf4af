//! What ties an agent's connection to one SSH session with one host.

use super::reader::Reader;
use super::{NotVerified, PublicKey};

/// OpenSSH's agent extension `session-bind@openssh.com` (`PROTOCOL.agent`, section 1): a client that uses the
/// agent tells it which host it talks to, with a signature of the host over the session.
///
/// An agent that has seen and [verified](SessionBind::verify) it knows whom a signature with that session id goes
/// to, and can refuse every other host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionBind {
    /// The host's key.
    pub host_key: PublicKey,
    /// The session, as the key exchange named it.
    pub session_id: Vec<u8>,
    /// The host's signature over the session's id, as it came.
    pub signature: Vec<u8>,
    /// Whether the agent is only passed on to that host, not used to sign in to it.
    pub is_forwarded: bool,
}

/// The bytes are no session bind, or its host key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a session bind message")]
pub struct InvalidSessionBind;

impl SessionBind {
    /// The extension's name.
    pub const NAME: &'static str = "session-bind@openssh.com";

    /// Reads what follows the extension's name in the agent's message.
    ///
    /// # Errors
    ///
    /// [`InvalidSessionBind`].
    pub fn parse(contents: &[u8]) -> Result<Self, InvalidSessionBind> {
        parse(contents).ok_or(InvalidSessionBind)
    }

    /// Whether the host has signed this session: with Ed25519, ECDSA on P-256, or RSA with SHA-2 from 2048 bits.
    /// Whether it is the right host is for the caller to compare.
    ///
    /// # Errors
    ///
    /// [`NotVerified`], also for host certificates and other algorithms.
    pub fn verify(&self) -> Result<(), NotVerified> {
        self.host_key.verify(&self.session_id, &self.signature)
    }
}

fn parse(contents: &[u8]) -> Option<SessionBind> {
    let mut reader = Reader::new(contents);
    let bind = SessionBind {
        host_key: PublicKey::from_blob(reader.string()?).ok()?,
        session_id: reader.string().filter(|id| !id.is_empty())?.to_vec(),
        signature: reader.string()?.to_vec(),
        is_forwarded: reader.boolean()?,
    };
    reader.end()?;
    Some(bind)
}
