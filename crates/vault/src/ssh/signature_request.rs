//! What an agent's client wants signed.

use super::reader::Reader;

/// The meaning of the bytes in an agent's sign request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureRequest {
    /// The signer signs in to an SSH server (RFC 4252, section 7), in OpenSSH's form that names the host key, too.
    UserAuth {
        /// The session to be signed in to, as the key exchange named it.
        session_id: Vec<u8>,
        /// The name on the server: `git` at every forge.
        user: String,
        /// What is asked for after signing in: `ssh-connection`.
        service: String,
        /// The signature algorithm's name.
        algorithm: String,
        /// The public key that signs.
        key_blob: Vec<u8>,
        /// The server's key, if the request names it (`publickey-hostbound-v00@openssh.com`).
        host_key: Option<Vec<u8>>,
    },
    /// A file or a commit is signed (OpenSSH's `PROTOCOL.sshsig`).
    SshSig {
        /// What for: `git` for commits and tags, `file`, …
        namespace: String,
        /// The hash over the content: `sha256` or `sha512`.
        hash_algorithm: String,
    },
    /// Anything else. Nothing that an agent should sign.
    Other,
}

/// `SSH_MSG_USERAUTH_REQUEST`.
const USERAUTH_REQUEST: u8 = 50;
const HOST_BOUND: &str = "publickey-hostbound-v00@openssh.com";
/// What [`SignatureRequest::SshSig`] data begins with.
const SSHSIG: &[u8] = b"SSHSIG";

impl SignatureRequest {
    /// Says what the bytes are. They are of a kind only when they are so to the last byte.
    pub fn parse(data: &[u8]) -> Self {
        user_auth(data).or_else(|| ssh_sig(data)).unwrap_or(Self::Other)
    }
}

fn user_auth(data: &[u8]) -> Option<SignatureRequest> {
    let mut reader = Reader::new(data);
    let session_id = reader.string().filter(|id| !id.is_empty())?;
    if reader.byte()? != USERAUTH_REQUEST {
        return None;
    }
    let (user, service, method) = (reader.text()?, reader.text()?, reader.text()?);
    if !reader.boolean()? {
        return None;
    }
    let (algorithm, key_blob) = (reader.text()?, reader.string()?);
    let host_key = match method {
        "publickey" => None,
        HOST_BOUND => Some(reader.string()?.to_vec()),
        _ => return None,
    };
    reader.end()?;
    Some(SignatureRequest::UserAuth {
        session_id: session_id.to_vec(),
        user: user.to_owned(),
        service: service.to_owned(),
        algorithm: algorithm.to_owned(),
        key_blob: key_blob.to_vec(),
        host_key,
    })
}

fn ssh_sig(data: &[u8]) -> Option<SignatureRequest> {
    let mut reader = Reader::new(data.strip_prefix(SSHSIG)?);
    let (namespace, _reserved) = (reader.text()?, reader.string()?);
    let (hash_algorithm, hash) = (reader.text()?, reader.string()?);
    reader.end()?;
    let length = match hash_algorithm {
        "sha256" => 32,
        "sha512" => 64,
        _ => return None,
    };
    // A namespace is never empty: that is what keeps one kind of signature from being taken for another.
    (hash.len() == length && !namespace.is_empty()).then(|| SignatureRequest::SshSig {
        namespace: namespace.to_owned(),
        hash_algorithm: hash_algorithm.to_owned(),
    })
}

#[cfg(test)]
mod tests;
