//! The messages of the SSH agent protocol (draft-ietf-sshm-ssh-agent) that we know.

/// `SSH_AGENTC_…`, what clients say.
const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
const EXTENSION: u8 = 27;
/// `SSH_AGENT_…`, what we say.
const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION_FAILURE: u8 = 28;

/// OpenSSH's extension (its `PROTOCOL.agent`, section 1).
const SESSION_BIND: &[u8] = b"session-bind@openssh.com";

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// The list of keys.
    Identities,
    /// A signature.
    Sign { key: &'a [u8], data: &'a [u8], flags: u32 },
    /// The connection belongs to a session with the host named in these bytes.
    Bind(&'a [u8]),
    /// An extension that we do not have.
    UnknownExtension,
    /// Adding and removing keys, locking, or nothing that can be understood.
    Other,
}

/// Reads a message without its length. Whatever has the wrong form is [`Request::Other`].
pub(super) fn parse(message: &[u8]) -> Request<'_> {
    let Some((kind, contents)) = message.split_first() else { return Request::Other };
    match *kind {
        REQUEST_IDENTITIES if contents.is_empty() => Request::Identities,
        SIGN_REQUEST => sign(contents).unwrap_or(Request::Other),
        EXTENSION => match string(contents) {
            Some((SESSION_BIND, bind)) => Request::Bind(bind),
            Some(_) => Request::UnknownExtension,
            None => Request::Other,
        },
        _ => Request::Other,
    }
}

fn sign(contents: &[u8]) -> Option<Request<'_>> {
    let (key, rest) = string(contents)?;
    let (data, rest) = string(rest)?;
    let flags = u32::from_be_bytes(rest.try_into().ok()?);
    Some(Request::Sign { key, data, flags })
}

/// `string`: its bytes, and what follows.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// A key with its comment.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) blob: Vec<u8>,
    pub(super) comment: String,
}

/// What we say.
#[derive(Debug)]
pub(super) enum Answer {
    Failure,
    ExtensionFailure,
    Success,
    Identities(Vec<Identity>),
    /// A signature in the protocol's form.
    Signature(Vec<u8>),
}

impl Answer {
    /// The whole message, with its length.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut contents = Vec::new();
        match self {
            Self::Failure => contents.push(FAILURE),
            Self::ExtensionFailure => contents.push(EXTENSION_FAILURE),
            Self::Success => contents.push(SUCCESS),
            Self::Identities(keys) => {
                contents.push(IDENTITIES_ANSWER);
                contents.extend(u32::try_from(keys.len()).unwrap_or(0).to_be_bytes());
                for key in keys {
                    put(&mut contents, &key.blob);
                    put(&mut contents, key.comment.as_bytes());
                }
            }
            Self::Signature(signature) => {
                contents.push(SIGN_RESPONSE);
                put(&mut contents, signature);
            }
        }
        let mut message = Vec::with_capacity(contents.len() + 4);
        put(&mut message, &contents);
        message
    }
}

/// Appends a `string`. Nothing we write comes near its limit of 4 GiB.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(bytes);
}

#[cfg(test)]
mod tests;
