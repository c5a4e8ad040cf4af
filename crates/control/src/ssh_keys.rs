//! People's SSH keys: one pair each, made here, sealed, and uploaded to the forges they have linked.
//!
//! A private key never leaves the server: what is signed with it is decided question by question
//! ([`crate::broker`]).

mod upload;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Caller, ForgeId, KeyOwner, SshAlgorithm, Timestamp, UploadState, User, UserId};
use store::{SshKeyRow, SshUpload};
use vault::Secret;
use vault::ssh::{KeyError, KeyPair};
use zeroize::Zeroizing;

use crate::broker::git_topic;
use crate::control::Control;
use crate::error::Error;
use crate::people::note;
use crate::platform::stored;
use crate::seal::CellKind;

pub(crate) use upload::SSH_UPLOAD;

/// A person's SSH key, without the private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeyFacts {
    /// How it was made.
    pub algorithm: SshAlgorithm,
    /// As it goes into `authorized_keys`, with a comment.
    pub public_key: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What new keys are made with.
    pub policy: SshAlgorithm,
    /// What became of it at each linked forge.
    pub uploads: Vec<SshUploadFacts>,
}

/// Whether a person's SSH key is at a linked forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshUploadFacts {
    /// The forge.
    pub forge: ForgeId,
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub state: UploadState,
    /// Why not.
    pub why: Option<String>,
    /// What to do about it.
    pub mend: Option<String>,
    /// When this was found; not looked yet where absent.
    pub at: Option<Timestamp>,
}

/// The comment of somebody's key.
pub(crate) fn comment_of(user: &User) -> String {
    format!("hearth:{}", user.name)
}

impl Control {
    /// The caller's SSH key, which is made at the first look.
    pub async fn ssh_key(&self, caller: &Caller) -> Result<SshKeyFacts, Error> {
        let row = self.key_of(caller.user).await?;
        self.key_facts(caller.user, row).await
    }

    /// Makes the caller's SSH key anew. The old one is taken back from the linked forges, and the new one
    /// uploaded; workspaces use it at once.
    pub async fn regenerate_ssh_key(&self, caller: &Caller) -> Result<SshKeyFacts, Error> {
        caller.in_person()?;
        let _turn = self.inner.broker.key_turn().await;
        let row = self.make_key(caller.user, Some(caller.user)).await?;
        self.key_facts(caller.user, row).await
    }

    /// Has the caller's SSH key uploaded again to the linked forges that do not have it.
    pub async fn upload_ssh_key(&self, caller: &Caller) -> Result<SshKeyFacts, Error> {
        caller.in_person()?;
        let row = self.key_of(caller.user).await?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        for link in tx.links_of(caller.user).await? {
            let known = tx.upload(link.id).await?;
            let is_there = known.is_some_and(|upload| {
                upload.state == UploadState::Uploaded && upload.fingerprint == row.fingerprint
            });
            if !is_there {
                upload::wanted(&mut tx, link.id, now).await?;
            }
        }
        tx.commit().await?;
        self.inner.job_wake.notify_one();
        self.key_facts(caller.user, row).await
    }

    /// Somebody's SSH key; made if there is none yet.
    pub(crate) async fn key_of(&self, user: UserId) -> Result<SshKeyRow, Error> {
        if let Some(row) = self.inner.store.read().await?.ssh_key(user).await? {
            return Ok(row);
        }
        // Whoever waited here finds it made.
        let _turn = self.inner.broker.key_turn().await;
        if let Some(row) = self.inner.store.read().await?.ssh_key(user).await? {
            return Ok(row);
        }
        self.make_key(user, None).await
    }

    /// Somebody's key pair, for one signature.
    pub(crate) async fn key_pair_of(&self, user: UserId) -> Result<Option<KeyPair>, Error> {
        let Some(text) = self.unseal(CellKind::SshKeyPrivate, &user.to_string()).await? else {
            return Ok(None);
        };
        let der = STANDARD.decode(text.expose()).map_err(|_| unreadable(KeyError::Unreadable))?;
        KeyPair::from_pkcs8(&Secret::new(der)).map(Some).map_err(unreadable)
    }

    async fn make_key(&self, user: UserId, by: Option<UserId>) -> Result<SshKeyRow, Error> {
        let (algorithm, owner) = {
            let mut tx = self.inner.store.read().await?;
            let owner = tx.user(user).await?.ok_or_else(|| Error::missing("user", user))?;
            (stored(&mut tx).await?.ssh_algorithm, owner)
        };
        let sealer = self.sealer(KeyOwner::User(user)).await?;
        let entropy = self.inner.entropy.clone();
        // RSA takes seconds.
        let pair = tokio::task::spawn_blocking(move || KeyPair::generate(algorithm, &*entropy)).await;
        let pair = pair.map_err(|_| KeyError::NotGenerated).and_then(|pair| pair).map_err(unreadable)?;
        let der = Zeroizing::new(pair.to_pkcs8().map_err(unreadable)?.expose().clone());
        let private = Secret::new(STANDARD.encode(&*der));
        let public = pair.public().clone().with_comment(&comment_of(&owner));
        let now = self.now();
        let row = SshKeyRow {
            user,
            algorithm,
            public_key: public.line(),
            fingerprint: public.fingerprint().to_string(),
            created_at: now,
        };
        let mut tx = self.inner.store.begin().await?;
        if by.is_none()
            && let Some(present) = tx.ssh_key(user).await?
        {
            // Another server was faster.
            return Ok(present);
        }
        tx.put_ssh_key(&row).await?;
        sealer.put(&mut tx, CellKind::SshKeyPrivate, &user.to_string(), &private).await?;
        for link in tx.links_of(user).await? {
            upload::wanted(&mut tx, link.id, now).await?;
        }
        if let Some(by) = by {
            note(&mut tx, by, now, ("ssh_key.regenerate", user.to_string()), row.fingerprint.clone()).await?;
        }
        tx.nudge(git_topic(user));
        tx.commit().await?;
        self.inner.job_wake.notify_one();
        Ok(row)
    }

    async fn key_facts(&self, user: UserId, row: SshKeyRow) -> Result<SshKeyFacts, Error> {
        let mut tx = self.inner.store.read().await?;
        let policy = stored(&mut tx).await?.ssh_algorithm;
        let known = tx.uploads_of(user).await?;
        let mut uploads = Vec::new();
        for link in tx.links_of(user).await? {
            let Some(forge) = tx.forge(link.forge).await?.filter(|forge| forge.kind.has_repositories())
            else {
                continue;
            };
            let known = known.iter().find(|upload| upload.link == link.id);
            uploads.push(upload_facts(forge.id, forge.name, known, &row.fingerprint));
        }
        let SshKeyRow { algorithm, public_key, fingerprint, created_at, .. } = row;
        Ok(SshKeyFacts { algorithm, public_key, fingerprint, created_at, policy, uploads })
    }
}

fn upload_facts(
    forge: ForgeId,
    name: String,
    known: Option<&SshUpload>,
    fingerprint: &str,
) -> SshUploadFacts {
    let Some(known) = known else {
        return SshUploadFacts { forge, name, state: UploadState::Pending, why: None, mend: None, at: None };
    };
    // What is there is an older key.
    let is_old = known.state == UploadState::Uploaded && known.fingerprint != fingerprint;
    let state = if is_old { UploadState::Pending } else { known.state };
    let (why, mend) = (known.why.clone(), known.mend.clone());
    SshUploadFacts { forge, name, state, why, mend, at: Some(known.at) }
}

fn unreadable(error: KeyError) -> Error {
    Error::Internal { what: "cannot use a person's SSH key".into(), source: Box::new(error) }
}
