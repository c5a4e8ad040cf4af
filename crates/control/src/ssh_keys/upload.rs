//! Uploading people's keys to the forges they have linked, as a job that can be repeated.

use domain::{
    Forge, ForgeKind, Link, LinkId, LinkMethod, LinkState, SignedDuration, Timestamp, UploadState, UserId,
};
use forge::AddKey;
use store::{EVERYTHING, Job, SshKeyRow, SshUpload, Tx};
use tokio::sync::broadcast::error::RecvError;

use super::comment_of;
use crate::control::Control;
use crate::error::Error;

/// The kind of these jobs. One exists per link at most.
pub(crate) const SSH_UPLOAD: &str = "ssh-upload";
/// How long the token must still be good.
const NEEDED: SignedDuration = SignedDuration::from_mins(5);
/// Times a key may be replaced while it is being uploaded.
const ROUNDS: usize = 3;
/// Links read at once.
const PAGE: u32 = 200;
/// What stands in a link's news before its id.
const LINK: &str = "link ";

/// Wants the link's forge to have its owner's key.
pub(super) async fn wanted(tx: &mut Tx, link: LinkId, now: Timestamp) -> Result<(), Error> {
    let payload = serde_json::json!({ "link": link });
    tx.enqueue_job(SSH_UPLOAD, Some(&link.to_string()), &payload, now).await?;
    Ok(())
}

/// What a try led to.
struct Outcome {
    state: UploadState,
    remote_id: Option<String>,
    why: Option<String>,
    mend: Option<String>,
}

impl Outcome {
    fn not(state: UploadState, why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state, remote_id: None, why: Some(why.into()), mend: Some(mend.into()) }
    }
}

impl Control {
    /// Wants uploads for links that are made or granted more, for as long as the server lives.
    pub(crate) async fn follow_links(self) {
        let mut news = self.inner.store.nudges();
        let mut is_behind = true;
        loop {
            let done = if std::mem::take(&mut is_behind) { self.look_at_all_links().await } else { Ok(()) };
            let done = match (done, news.recv().await) {
                (Err(error), _) => Err(error),
                (Ok(()), Ok(said)) if *said == *EVERYTHING => {
                    is_behind = true;
                    Ok(())
                }
                (Ok(()), Ok(said)) => match said.strip_prefix(LINK).and_then(|id| id.parse().ok()) {
                    Some(id) => self.look_at_link(id).await,
                    None => Ok(()),
                },
                (Ok(()), Err(RecvError::Lagged(_))) => {
                    is_behind = true;
                    Ok(())
                }
                (Ok(()), Err(RecvError::Closed)) => return,
            };
            if let Err(error) = done {
                tracing::warn!(error = %error, "cannot look which forges lack an SSH key");
                is_behind = true;
            }
        }
    }

    async fn look_at_all_links(&self) -> Result<(), Error> {
        let forges = self.inner.store.read().await?.forges().await?;
        for forge in forges.iter().filter(|forge| forge.kind.has_repositories()) {
            let mut after = None;
            loop {
                let page = self.inner.store.read().await?.links_of_forge(forge.id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                for link in &page {
                    self.look_at_link(link.id).await?;
                }
            }
        }
        Ok(())
    }

    async fn look_at_link(&self, id: LinkId) -> Result<(), Error> {
        let mut tx = self.inner.store.read().await?;
        let Some(link) = tx.link(id).await?.filter(|link| link.state == LinkState::Active) else {
            return Ok(());
        };
        let has_repositories = tx.forge(link.forge).await?.is_some_and(|forge| forge.kind.has_repositories());
        let (upload, key) = (tx.upload(id).await?, tx.ssh_key(link.user).await?);
        drop(tx);
        if !has_repositories || is_settled(&link, upload.as_ref(), key.as_ref()) {
            return Ok(());
        }
        let mut tx = self.inner.store.begin().await?;
        wanted(&mut tx, id, self.now()).await?;
        tx.commit().await?;
        self.inner.job_wake.notify_one();
        Ok(())
    }

    /// Does a job of the kind [`SSH_UPLOAD`].
    ///
    /// # Errors
    ///
    /// Why it is to be tried again.
    pub(crate) async fn upload_key(&self, job: &Job) -> Result<(), String> {
        let id = job.payload.get("link").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
        let id: LinkId = id.ok_or("the job names no link")?;
        for _ in 0..ROUNDS {
            let done = self.upload_once(id).await.map_err(|error| error.to_string())?;
            if done {
                return Ok(());
            }
        }
        Err("the key is made anew again and again".into())
    }

    /// Uploads the present key; false when it has been replaced meanwhile.
    async fn upload_once(&self, id: LinkId) -> Result<bool, Error> {
        let mut tx = self.inner.store.read().await?;
        let Some(link) = tx.link(id).await? else { return Ok(true) };
        let Some(forge) = tx.forge(link.forge).await? else { return Ok(true) };
        let before = tx.upload(id).await?;
        let Some(owner) = tx.user(link.user).await? else { return Ok(true) };
        drop(tx);
        let key = self.key_of(link.user).await?;
        let title = format!("{} at {}", comment_of(&owner), self.inner.settings.public_url.authority());
        let outcome = self.upload_to(&forge, &link, &key, &title, before.as_ref()).await?;

        let mut tx = self.inner.store.begin().await?;
        if tx.link_for_update(id).await?.is_none() {
            // Disconnected meanwhile. What is at the forge now goes by name of the old upload, so say so.
            tracing::info!(link.id = %id, "an SSH key was uploaded to a forge that was disconnected meanwhile");
            return Ok(true);
        }
        let remote_id = outcome.remote_id.or_else(|| before.and_then(|before| before.remote_id));
        let Outcome { state, why, mend, .. } = outcome;
        let upload = SshUpload {
            link: id,
            fingerprint: key.fingerprint.clone(),
            remote_id,
            state,
            why,
            mend,
            at: self.now(),
        };
        tx.put_upload(&upload).await?;
        tx.commit().await?;
        self.is_present(link.user, &key).await
    }

    async fn is_present(&self, user: UserId, key: &SshKeyRow) -> Result<bool, Error> {
        let present = self.inner.store.read().await?.ssh_key(user).await?;
        Ok(present.is_none_or(|present| present.fingerprint == key.fingerprint))
    }

    /// # Errors
    ///
    /// What may go better the next time; everything else is an outcome.
    async fn upload_to(
        &self,
        forge: &Forge,
        link: &Link,
        key: &SshKeyRow,
        title: &str,
        before: Option<&SshUpload>,
    ) -> Result<Outcome, Error> {
        use UploadState as S;

        let name = &forge.name;
        if matches!(forge.kind, ForgeKind::AzureDevops | ForgeKind::OpenId) {
            let mend = "add the key by hand on the forge's pages";
            return Ok(Outcome::not(
                S::Unsupported,
                format!("{name} takes no keys from other programs"),
                mend,
            ));
        }
        if let Some(scope) = missing_scope(forge.kind, link) {
            let mend = "grant it under Integrations, or add the key by hand on the forge's pages";
            return Ok(Outcome::not(
                S::NotWanted,
                format!("the connection to {name} was not granted `{scope}`"),
                mend,
            ));
        }
        let asked = async {
            let provider = self.provider(forge).await?;
            let added = self.with_token(link.id, NEEDED, |credential| {
                let provider = provider.clone();
                async move { provider.add_key(&credential, title, &key.public_key).await }
            });
            let added = added.await?;
            // The key before, once the new one is there.
            let old = before.filter(|before| before.fingerprint != key.fingerprint);
            if let Some(old) = old.and_then(|old| old.remote_id.as_deref()) {
                let removed = self.with_token(link.id, NEEDED, |credential| {
                    let provider = provider.clone();
                    async move { provider.remove_key(&credential, old).await }
                });
                match removed.await {
                    Err(error @ Error::Unavailable { .. }) => return Err(error),
                    Err(error) => {
                        tracing::warn!(forge.id = %forge.id, error = %error, "an old SSH key stays at a forge");
                    }
                    Ok(()) => {}
                }
            }
            Ok(added)
        };
        Ok(match asked.await {
            Ok(AddKey::Added { id } | AddKey::AlreadyThere { id }) => {
                Outcome { state: S::Uploaded, remote_id: Some(id), why: None, mend: None }
            }
            Ok(AddKey::TakenByAnother) => Outcome::not(
                S::Failed,
                format!("another account at {name} has this key"),
                "remove it from that account, or make your key anew",
            ),
            Err(error @ (Error::Unavailable { .. } | Error::Internal { .. } | Error::TooMany { .. })) => {
                return Err(error);
            }
            Err(error @ Error::LinkNeeded { .. }) => {
                Outcome::not(S::Pending, error.to_string(), error.mend())
            }
            Err(error @ Error::ScopeMissing { .. }) => {
                Outcome::not(S::NotWanted, error.to_string(), error.mend())
            }
            Err(error) => Outcome::not(S::Failed, error.to_string(), error.mend()),
        })
    }
}

/// Whether there is nothing to be done for a link now.
fn is_settled(link: &Link, upload: Option<&SshUpload>, key: Option<&SshKeyRow>) -> bool {
    let (Some(upload), Some(key)) = (upload, key) else { return false };
    let is_answered = upload.state == UploadState::Uploaded || upload.at >= link.updated_at;
    upload.fingerprint == key.fingerprint && is_answered
}

/// A scope that uploading a key takes, if the link was granted none that is enough.
fn missing_scope(kind: ForgeKind, link: &Link) -> Option<&'static str> {
    if link.method != LinkMethod::Oauth2 || link.scopes.is_empty() {
        return None;
    }
    let enough: &[&str] = match kind {
        ForgeKind::Gitlab => &["api"],
        ForgeKind::Github => &["write:public_key", "admin:public_key"],
        ForgeKind::Gitea => &["write:user", "all"],
        ForgeKind::BitbucketServer => &["ACCOUNT_WRITE"],
        ForgeKind::BitbucketCloud => &["account:write"],
        ForgeKind::AzureDevops | ForgeKind::OpenId => return None,
    };
    if link.scopes.iter().any(|scope| enough.contains(&scope.as_str())) {
        None
    } else {
        enough.first().copied()
    }
}
