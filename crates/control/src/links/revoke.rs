//! Tokens that nobody will use again: the forge is told so, until it has heard.
//!
//! They are sealed apart from the link, which may be gone, in a cell that only the job knows. The job is made in
//! the transaction that takes them out of use, so that none is forgotten; it begins a little later, because whoever
//! disconnects an account tries at once and tells how it went.

use domain::{Forge, ForgeId, KeyOwner, Link, LinkMethod, SignedDuration, Timestamp};
use forge::{Credential, Fault, ForgeSecrets, Tokens};
use serde::{Deserialize, Serialize};
use store::{Job, Tx};
use vault::Secret;

use crate::control::Control;
use crate::error::Error;
use crate::seal::{CellKind, Sealer};

/// The kind of these jobs.
pub const REVOKE_TOKENS: &str = "revoke-tokens";
/// Pause before the job's first try.
const LATER: SignedDuration = SignedDuration::from_secs(30);
/// Tries before the tokens are thrown away untold; the runner of jobs tries one more time at most.
const TRIES: u32 = 20;

/// What a job knows. No secret is in it.
#[derive(Serialize, Deserialize)]
struct Payload {
    /// Names the cell with the tokens.
    row: String,
    /// The forge.
    forge: ForgeId,
    /// The forge as it was, where its own row is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Box<Forge>>,
    /// What the forge calls the SSH key that goes with the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote_key: Option<String>,
}

/// What the cell holds, borrowed.
#[derive(Serialize)]
struct Doomed<'a> {
    method: LinkMethod,
    access: &'a str,
    refresh: Option<&'a str>,
    client_secret: Option<&'a str>,
    client_key: Option<&'a str>,
    consumer_key: Option<&'a str>,
}

/// What the cell holds. Its texts move into [`Secret`]s at once.
#[derive(Deserialize)]
struct Opened {
    method: LinkMethod,
    access: String,
    refresh: Option<String>,
    client_secret: Option<String>,
    client_key: Option<String>,
    consumer_key: Option<String>,
}

/// How a try went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The forge takes the tokens no more.
    Revoked,
    /// This forge cannot be told; the owner can, on its pages.
    NotPossible,
}

/// Dooms a pair: the forge is told soon after the commit.
pub(super) async fn doom(
    tx: &mut Tx,
    sealer: &Sealer,
    forge: &Forge,
    link: &Link,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<(), Error> {
    doom_with(tx, sealer, Doom { forge, link, tokens, remote_key: None, secrets: None }, now).await.map(drop)
}

/// A pair, and what belongs to its end.
pub(crate) struct Doom<'a> {
    pub(crate) forge: &'a Forge,
    pub(crate) link: &'a Link,
    pub(crate) tokens: &'a Tokens,
    /// The SSH key to remove before.
    pub(crate) remote_key: Option<String>,
    /// The forge's own secrets, where its row will be gone.
    pub(crate) secrets: Option<&'a ForgeSecrets>,
}

/// Dooms a pair; the name of its cell.
pub(crate) async fn doom_with(
    tx: &mut Tx,
    sealer: &Sealer,
    doom: Doom<'_>,
    now: Timestamp,
) -> Result<String, Error> {
    let Doom { forge, link, tokens, remote_key, secrets } = doom;
    // The hash tells two pairs of one generation apart: the one a renewal brought too late, and the present one.
    let hash = vault::TokenHash::of(tokens.access.expose());
    let mark = hex::encode(hash.as_bytes().get(..4).unwrap_or_default());
    let row = format!("{}/{}/{mark}", link.id, link.generation);
    let (client_secret, client_key, consumer_key) = match secrets {
        Some(secrets) => (
            secrets.client_secret.as_ref().map(|secret| secret.expose().as_str()),
            secrets.client_key.as_ref().map(|secret| secret.expose().as_str()),
            secrets.consumer_key.as_ref().map(|secret| secret.expose().as_str()),
        ),
        None => (None, None, None),
    };
    let doomed = Doomed {
        method: tokens.method,
        access: tokens.access.expose(),
        refresh: tokens.refresh.as_ref().map(|refresh| refresh.expose().as_str()),
        client_secret,
        client_key,
        consumer_key,
    };
    let text = Secret::new(serde_json::to_string(&doomed).map_err(unreadable)?);
    sealer.put(tx, CellKind::LinkAccessToken, &row, &text).await?;
    let record = secrets.is_some().then(|| Box::new(forge.clone()));
    let payload = Payload { row: row.clone(), forge: forge.id, record, remote_key };
    let payload = serde_json::to_value(payload).map_err(unreadable)?;
    let due = now.checked_add(LATER).unwrap_or(now);
    tx.enqueue_job(REVOKE_TOKENS, Some(&row), &payload, due).await?;
    Ok(row)
}

fn unreadable(source: serde_json::Error) -> Error {
    Error::Internal {
        what: "cannot write down tokens that are to be revoked".into(),
        source: Box::new(source),
    }
}

impl Control {
    /// Does a job of the kind `revoke-tokens`: tells a forge that tokens are to be worth nothing, and throws them
    /// away. For the runner of jobs.
    ///
    /// # Errors
    ///
    /// Why it is to be tried again.
    pub async fn revoke_tokens(&self, job: &Job) -> Result<(), String> {
        let payload: Payload =
            serde_json::from_value(job.payload.clone()).map_err(|_| "the job names no tokens".to_owned())?;
        match self.tell_forge(&payload).await {
            Ok(_) => Ok(()),
            Err(error) if job.attempt + 1 >= TRIES => {
                // They lapse by themselves some day; what counts is that nobody can find them here.
                tracing::warn!(forge.id = %payload.forge, "tokens could not be revoked: {error}");
                self.forget_doomed(&payload.row).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Tries at once what the job would do, and tells how it went.
    pub(super) async fn revoke_now(
        &self,
        row: String,
        forge: ForgeId,
        remote_key: Option<String>,
    ) -> Result<Told, Error> {
        self.tell_forge(&Payload { row, forge, record: None, remote_key }).await
    }

    async fn tell_forge(&self, payload: &Payload) -> Result<Told, Error> {
        let Some(text) = self.unseal(CellKind::LinkAccessToken, &payload.row).await? else {
            return Ok(Told::Revoked);
        };
        let opened: Opened = serde_json::from_str(text.expose()).map_err(|_| Error::Internal {
            what: "cannot read tokens that are to be revoked".into(),
            source: "they are not as this release writes them".into(),
        })?;
        let credential = Credential::of_link(opened.method, Secret::new(opened.access));
        let refresh = opened.refresh.map(Secret::new);
        let secrets = ForgeSecrets {
            client_secret: opened.client_secret.map(Secret::new),
            client_key: opened.client_key.map(Secret::new),
            consumer_key: opened.consumer_key.map(Secret::new),
        };
        let provider = match &payload.record {
            Some(record) => Some(self.open_provider(record, secrets)?),
            None => match self.inner.store.read().await?.forge(payload.forge).await? {
                Some(forge) => Some(self.provider(&forge).await?),
                None => None,
            },
        };
        let mut told = Told::NotPossible;
        if let Some(provider) = provider {
            if let Some(key) = &payload.remote_key
                && let Err(error) = provider.remove_key(&credential, key).await
                && error.is_passing()
            {
                return Err(untold(&error));
            }
            told = match provider.revoke(&credential, refresh.as_ref()).await {
                Ok(forge::Revoked::Done) => Told::Revoked,
                Ok(forge::Revoked::NotPossible) => Told::NotPossible,
                Err(error) => match error.fault() {
                    // Revoked already, or never to be revoked by us.
                    Fault::Link(_) | Fault::NotFound => Told::Revoked,
                    Fault::Unsupported | Fault::Forbidden | Fault::Denied | Fault::MissingScope { .. } => {
                        Told::NotPossible
                    }
                    // The administrator may mend these, and the forge itself the rest.
                    Fault::Application
                    | Fault::Passing { .. }
                    | Fault::Protocol
                    | Fault::Request
                    | Fault::Tls
                    | Fault::Refused => return Err(untold(&error)),
                },
            };
        }
        self.forget_doomed(&payload.row).await?;
        Ok(told)
    }

    async fn forget_doomed(&self, row: &str) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        tx.delete_sealed_of_row(row).await?;
        Ok(tx.commit().await?)
    }

    /// A sealer for pairs of this link that are to be revoked.
    pub(super) async fn doom_sealer(&self, link: &Link) -> Result<Sealer, Error> {
        self.sealer(KeyOwner::User(link.user)).await
    }

    /// The present tokens of a link, opened; none where there are none.
    pub(crate) async fn tokens_of(&self, link: &Link) -> Result<Option<Tokens>, Error> {
        let row = link.id.to_string();
        let Some(access) = self.unseal(CellKind::LinkAccessToken, &row).await? else { return Ok(None) };
        let refresh = self.unseal(CellKind::LinkRefreshToken, &row).await?;
        Ok(Some(Tokens {
            access: access.into(),
            refresh: refresh.map(Into::into),
            expires_in: None,
            scopes: None,
            method: link.method,
        }))
    }
}

fn untold(error: &forge::ForgeError) -> Error {
    Error::Unavailable { what: error.to_string(), mend: error.mend().to_owned() }
}
