//! The public keys that an SSH server proves itself with, learned from itself, for an administrator to compare.
//!
//! Each is learned by a key exchange of its own, in which the server signs with it; then the connection ends. Nobody
//! signs in, and nothing is sent but what every SSH client begins with.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use outbound::Client;
use russh::client::{Config, Handler, connect_stream};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKeyOrCertificate};
use russh::{AlgorithmKind, Preferred, SshId};
use tokio::time::{Instant, timeout_at};

use crate::api::from_outbound;
use crate::{Fault, ForgeError, Sent};

/// For all exchanges together: five of them at a server half the world away take three seconds.
const LIMIT: Duration = Duration::from_secs(15);
/// How long a server may be silent within an exchange.
const SILENCE: Duration = Duration::from_secs(10);
/// What we call ourselves. Servers have rules for clients with known faults, so it says whose it is.
const CLIENT: &str = "SSH-2.0-Hearth";

/// The kinds of keys, as they are asked for one by one. RSA keys may not sign with SHA-1.
const KINDS: &[&[Algorithm]] = &[
    &[Algorithm::Ed25519],
    &[Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }],
    &[Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 }],
    &[Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 }],
    &[Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, Algorithm::Rsa { hash: Some(HashAlg::Sha256) }],
];

/// The host keys of the SSH server at `host` and `port`, as lines `ssh-ed25519 AAAA…`, the best kind first. The
/// server has proved that it holds each; whether it is the right server is for people to find out. Takes fifteen
/// seconds at most; keys found until then count.
///
/// # Errors
///
/// [`Fault::Refused`] when the address may not be dialled, [`Fault::Passing`] when nothing answers there,
/// [`Fault::Protocol`] when it is no SSH server.
pub async fn host_keys(outbound: &Client, host: &str, port: u16) -> Result<Vec<String>, ForgeError> {
    let deadline = Instant::now() + LIMIT;
    let at = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut found = Vec::new();
    for kinds in KINDS {
        let asked = timeout_at(deadline, ask(outbound, host, port, kinds, &at)).await;
        match asked.unwrap_or_else(|_| Err(silent(&at))) {
            Ok(key) => found.extend(key),
            // A server that is tired of us has told enough.
            Err(_) if !found.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    if found.is_empty() {
        return Err(ForgeError::new(
            Fault::Protocol,
            format!("the SSH server at `{at}` has no key of a kind known here"),
            "give it an Ed25519 host key",
        ));
    }
    Ok(found)
}

/// The key of one kind; none where the server has no such key.
async fn ask(
    outbound: &Client,
    host: &str,
    port: u16,
    kinds: &'static [Algorithm],
    at: &str,
) -> Result<Option<String>, ForgeError> {
    let stream = outbound.connect(host, port).await.map_err(from_outbound)?;
    let seen = Arc::new(OnceLock::new());
    let config = Config {
        client_id: SshId::Standard(Cow::Borrowed(CLIENT)),
        preferred: Preferred { key: Cow::Borrowed(kinds), ..Preferred::DEFAULT },
        // Ends what goes on in the background when nobody waits any more.
        inactivity_timeout: Some(SILENCE),
        ..Config::default()
    };
    let failed = match connect_stream(Arc::new(config), stream, Look(Arc::clone(&seen))).await {
        // Nobody is let further than the key.
        Ok(session) => {
            drop(session);
            None
        }
        Err(error) => Some(error),
    };
    match (seen.get(), failed) {
        (Some(key), _) => Ok(Some(key.clone())),
        (None, Some(russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, .. })) => Ok(None),
        (None, Some(russh::Error::NoCommonAlgo { .. })) => Err(ForgeError::new(
            Fault::Protocol,
            format!("the SSH server at `{at}` knows only methods that are not safe any more"),
            "update it",
        )),
        (None, Some(russh::Error::InactivityTimeout)) => Err(silent(at)),
        (None, _) => Err(ForgeError::new(
            Fault::Protocol,
            format!("what listens at `{at}` does not speak SSH, or hung up"),
            "check host and port; behind a load balancer Git's SSH often has its own",
        )),
    }
}

fn silent(at: &str) -> ForgeError {
    ForgeError::new(
        Fault::Passing { sent: Sent::Unknown, retry_after: None },
        format!("what listens at `{at}` says nothing"),
        "check host and port; behind a load balancer Git's SSH often has its own",
    )
}

/// Looks at the key, and goes no further.
struct Look(Arc<OnceLock<String>>);

impl Handler for Look {
    type Error = russh::Error;

    /// Called once the signature of the exchange has been verified with this key.
    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = shown {
            let line = key.to_openssh()?;
            let line = line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            // There is one key to an exchange.
            let _first = self.0.set(line);
        }
        Ok(false)
    }
}
