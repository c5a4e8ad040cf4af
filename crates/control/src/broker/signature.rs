//! The owner's SSH key in the workspace: listed, and used for two things only.
//!
//! It signs commits and tags, and it signs in to the SSH servers of the workspace's own forges. To whom a
//! sign-in goes is known from the host key that stands in the signed request itself, which no other host then
//! takes, or from the host's signature over the session (`session-bind@openssh.com`). The latter is believed of
//! hosts whose keys an administrator of the platform has confirmed: any other could sign a session that
//! somebody inside has with a third host, and so lend its name to a sign-in there.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vault::ssh::{PublicKey, SessionBind, SignatureRequest};
use wire::agent::{AskAnswer, SshIdentity};

use super::scene::Door;
use super::{Refusal, Scene};
use crate::control::Control;
use crate::ssh_keys::comment_of;

/// What a commit's signature is for, by ssh-keygen(1).
const GIT: &str = "git";
/// What everybody asks for after signing in (RFC 4254).
const CONNECTION: &str = "ssh-connection";
/// How long a first key may take: RSA takes seconds.
const PATIENCE: Duration = Duration::from_secs(40);

impl Control {
    /// The owner's key, which is made at the first need.
    pub(super) async fn identities_for(&self, scene: &Scene) -> Result<AskAnswer, Refusal> {
        let made = tokio::time::timeout(PATIENCE, self.key_of(scene.owner.id)).await;
        let row = made
            .map_err(|_| Refusal::new("your SSH key is still being made", "try again in a moment"))?
            .map_err(Refusal::of)?;
        let public = PublicKey::parse(&row.public_key)
            .map_err(|error| Refusal::new(error.to_string(), "make your SSH key anew in your settings"))?;
        let key = STANDARD.encode(public.blob());
        Ok(AskAnswer::Identities { keys: vec![SshIdentity { key, comment: comment_of(&scene.owner) }] })
    }

    /// A signature, if it is for something the owner's key may be used for here.
    pub(super) async fn sign_for(
        &self,
        scene: &Scene,
        key: &str,
        data: &str,
        flags: u32,
        binds: &[String],
    ) -> Result<AskAnswer, Refusal> {
        let decode = |text: &str| {
            let what = "the SSH client's request cannot be read";
            STANDARD.decode(text).map_err(|_| Refusal::new(what, "try another SSH client"))
        };
        let (blob, data) = (decode(key)?, decode(data)?);
        let binds: Vec<Vec<u8>> = binds.iter().map(|bind| decode(bind)).collect::<Result<_, _>>()?;
        let pair = self.key_pair_of(scene.owner.id).await.map_err(Refusal::of)?;
        let pair = pair.filter(|pair| pair.public().blob() == blob);
        let Some(pair) = pair else {
            let mend = "list the keys again; your key was made anew";
            return Err(Refusal::new("the SSH key that was asked for is not yours any more", mend));
        };
        let doors: Vec<Door<'_>> = scene.doors().collect();
        let (foreign_keys, reserved_keys) = (&scene.foreign_keys, &scene.reserved_keys);
        let allowed = Allowed { doors: &doors, foreign_keys, reserved_keys };
        allowed.check(&SignatureRequest::parse(&data), &blob, &binds)?;
        // RSA takes milliseconds of pure computing.
        let signed = tokio::task::spawn_blocking(move || pair.sign_agent(&data, flags)).await;
        let signature = signed
            .map_err(|error| Refusal::new(error.to_string(), "try again"))?
            .map_err(|error| Refusal::new(error.to_string(), "update the SSH client, then try again"))?;
        self.count(|counters| &counters.signatures);
        Ok(AskAnswer::Signature { signature: STANDARD.encode(signature) })
    }
}

/// Whom a key may sign in to.
struct Allowed<'a> {
    doors: &'a [Door<'a>],
    /// Host keys of other registered forges.
    foreign_keys: &'a [String],
    /// Those that no forge of a team can have.
    reserved_keys: &'a [String],
}

/// The key of the host that a session is with.
struct Host {
    key: PublicKey,
    /// Whether it stands in what is signed, so that no other host takes the signature.
    is_bound: bool,
}

impl Allowed<'_> {
    /// `key` signs; `binds` are what the client said about its session, oldest first.
    fn check(&self, request: &SignatureRequest, key: &[u8], binds: &[Vec<u8>]) -> Result<(), Refusal> {
        let binds = read(binds)?;
        match request {
            SignatureRequest::SshSig { namespace, .. } if namespace == GIT => Ok(()),
            SignatureRequest::SshSig { namespace, .. } => Err(Refusal::new(
                format!("your SSH key signs commits and tags, not `{}`", shown(namespace)),
                "use a key of your own for that",
            )),
            SignatureRequest::UserAuth { session_id, user, service, key_blob, host_key, .. } => {
                if service != CONNECTION || key_blob != key {
                    return Err(nothing_known());
                }
                let host = host_of(session_id, host_key.as_deref(), &binds)?;
                self.check_host(user, host.as_ref())
            }
            SignatureRequest::Other => Err(nothing_known()),
        }
    }

    fn check_host(&self, user: &str, host: Option<&Host>) -> Result<(), Refusal> {
        let candidates: Vec<_> = self.doors.iter().filter(|door| door.endpoint.user == user).collect();
        if candidates.is_empty() {
            let mend = "use the address that the forge shows for cloning over SSH";
            return Err(Refusal::new(
                format!("no forge of this workspace takes SSH connections as `{}`", shown(user)),
                mend,
            ));
        }
        let Some(Host { key, is_bound }) = host else {
            return Err(Refusal::new(
                "the SSH client does not tell which host it talks to",
                "use OpenSSH 8.9 or later, or the repository's HTTPS address",
            ));
        };
        let is_one_of = |lines: &[String]| {
            lines.iter().any(|line| PublicKey::parse(line).is_ok_and(|known| known == *key))
        };
        let known: Vec<_> = candidates.iter().filter(|door| is_one_of(&door.endpoint.host_keys)).collect();
        if known.iter().any(|door| door.is_platforms) {
            return Ok(());
        }
        // What is left are forges that only a team vouches for, and such whose keys nobody has confirmed, of
        // which can be said that they are no other forge.
        let is_unconfirmed = candidates.iter().any(|door| door.endpoint.host_keys.is_empty());
        let may_be_it = match known.as_slice() {
            [] => is_unconfirmed && !is_one_of(self.foreign_keys),
            _ => !is_one_of(self.reserved_keys),
        };
        match (may_be_it, is_bound) {
            (true, true) => Ok(()),
            (true, false) => Err(Refusal::new(
                "this SSH server does not bind a sign-in to itself, and no administrator has confirmed its keys",
                "ask an administrator to register this forge with its host keys, or use the repository's HTTPS \
                 address",
            )),
            (false, _) => Err(Refusal::new(
                "the host is not one of this workspace's forges",
                "if the forge's host keys have changed, ask an administrator to confirm the new ones",
            )),
        }
    }
}

/// The bindings, each signed by its host, and none of a connection that the agent was passed on through.
fn read(binds: &[Vec<u8>]) -> Result<Vec<SessionBind>, Refusal> {
    binds
        .iter()
        .map(|bind| {
            let bind = SessionBind::parse(bind).map_err(|_| nothing_known())?;
            if bind.is_forwarded {
                let mend = "sign in to the forge from the workspace itself";
                return Err(Refusal::new("your SSH key is not passed on to other machines", mend));
            }
            bind.verify().map_err(|_| {
                let mend = "its host key may be of a kind that is too old; ask the forge's administrator";
                Refusal::new("the host did not prove who it is", mend)
            })?;
            Ok(bind)
        })
        .collect()
}

/// The key of the host that the session is with, as far as it is proven.
fn host_of(
    session_id: &[u8],
    in_request: Option<&[u8]>,
    binds: &[SessionBind],
) -> Result<Option<Host>, Refusal> {
    let in_request = in_request.map(PublicKey::from_blob).transpose().map_err(|_| nothing_known())?;
    let in_request = in_request.map(|key| Host { key, is_bound: true });
    // A jump through another host would have bound that one before.
    let Some(bind) = binds.last() else { return Ok(in_request) };
    let is_same_host = in_request.as_ref().is_none_or(|host| host.key == bind.host_key);
    if bind.session_id != session_id || !is_same_host {
        return Err(nothing_known());
    }
    Ok(in_request.or_else(|| Some(Host { key: bind.host_key.clone(), is_bound: false })))
}

fn nothing_known() -> Refusal {
    let mend = "your SSH key signs commits and signs in to this workspace's forges, nothing else";
    Refusal::new("this is nothing that your SSH key is used for", mend)
}

/// At most a few words of what came from inside a workspace.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests;
