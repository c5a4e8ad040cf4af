//! The registry's own keys: made at the first start, sealed in the store, replaced when an administrator says so.
//!
//! One pair signs. Those before it only verify, so their private halves are thrown away at once; the public halves
//! go when nothing that they signed can be good any more.

use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, KeyOwner, SignedDuration, Timestamp};
use kite::token::{KeyError, PublicKey, SigningKey};
use registry::Keys;
use store::{RegistryKeyRow, StoreError, Tx};
use vault::Secret;

use super::revoked::announce_kite_rights;
use super::{OlderKeys, RegistryKeyFacts};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;
use crate::seal::{CellKind, Sealer};

/// Said after a commit that changed the registry's keys.
pub(super) const KEYS_TOPIC: &str = "registry keys";
/// Tries to make the first pair before somebody else's must be visible.
const TRIES: u32 = 3;
/// Between two attempts to open the key that signs, while the platform key is away.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How long somebody waits for the first pair to be made, which takes a second at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// Added to a token's life before a retired pair goes: another server may sign with it until it hears of the
/// rotation, and clocks differ.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

impl Control {
    /// The pairs that the registry signs with or has signed with, the present one first. For administrators.
    pub async fn registry_keys(&self, caller: &Caller) -> Result<Vec<RegistryKeyFacts>, Error> {
        caller.administer()?;
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let mut keys = Vec::new();
        for row in tx.registry_keys().await? {
            let kite_keys = tx.count_kite_keys_signed_by(&row.kid, now).await?;
            let RegistryKeyRow { kid, public, created_at, retired_at } = row;
            keys.push(RegistryKeyFacts { id: kid, public_key: public, created_at, retired_at, kite_keys });
        }
        keys.sort_by_key(|key| key.retired_at.is_some());
        Ok(keys)
    }

    /// Gives the registry a new pair to sign with; answers all there are then. For administrators.
    ///
    /// # Errors
    ///
    /// `forbidden`; `unavailable` when the platform key cannot be used.
    pub async fn rotate_registry_key(
        &self,
        caller: &Caller,
        older: OlderKeys,
    ) -> Result<Vec<RegistryKeyFacts>, Error> {
        caller.administer()?;
        let key = new_pair().await?;
        let sealer = self.sealer(KeyOwner::Platform).await?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        tx.retire_registry_key(now).await?;
        for old in tx.registry_keys().await? {
            tx.delete_sealed(CellKind::RegistryKeyPrivate.as_str(), &old.kid).await?;
            if older == OlderKeys::Revoke {
                tx.delete_registry_key(&old.kid).await?;
            }
        }
        keep(&mut tx, &sealer, &key, now).await?;
        let how = match older {
            OlderKeys::Keep => "older keys stay good",
            OlderKeys::Revoke => {
                tx.delete_kite_keys_not_signed_by(key.id()).await?;
                "older keys are void"
            }
        };
        note(&mut tx, caller.user, now, ("registry.rotate", key.id().to_owned()), how.into()).await?;
        tx.nudge(KEYS_TOPIC);
        tx.commit().await?;
        self.load_registry_keys().await?;
        self.registry_keys(caller).await
    }

    /// Hands the registry its keys, the first of which is made where there is none.
    pub(super) async fn load_registry_keys(&self) -> Result<(), Error> {
        for _ in 0..TRIES {
            if self.read_registry_keys().await? {
                return Ok(());
            }
            self.make_first_pair().await?;
        }
        Err(Error::Unavailable {
            what: "the key that the registry signs with is not there".into(),
            mend: "an administrator: replace the registry's key".into(),
        })
    }

    /// Hands the registry its keys; `false` where there is none to sign with.
    pub(super) async fn read_registry_keys(&self) -> Result<bool, Error> {
        let rows = self.inner.store.read().await?.registry_keys().await?;
        let (current, retired): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.retired_at.is_none());
        let Some(current) = current.into_iter().next() else { return Ok(false) };
        // Not there if it was replaced between the two looks, or if somebody has taken it out of the database.
        let Some(private) = self.unseal(CellKind::RegistryKeyPrivate, &current.kid).await? else {
            return Ok(false);
        };
        let current = SigningKey::from_pem(private.expose()).map_err(|error| broken(&error))?;
        let retired = retired.iter().map(|row| PublicKey::from_pem(&row.public));
        let retired = retired.collect::<Result<Vec<_>, _>>().map_err(|error| broken(&error))?;
        let kid = current.id().to_owned();
        self.inner.kites.registry.set_keys(Keys { current: Arc::new(current), retired });
        self.inner.kites.signer.send_replace(Some(kid));
        Ok(true)
    }

    /// The pair that signs now, by its id. Waited for a little while, as right after the first start.
    pub(super) async fn registry_signer(&self) -> Result<String, Error> {
        let mut signer = self.inner.kites.signer.subscribe();
        let there = tokio::time::timeout(PATIENCE, signer.wait_for(Option::is_some)).await;
        let there = there.ok().and_then(|there| there.ok()?.clone());
        there.ok_or_else(|| Error::Unavailable {
            what: "the registry has no key to sign with yet".into(),
            mend: "try again in a moment; an administrator finds the cause in the server's log".into(),
        })
    }

    /// Tries until the registry has its keys.
    pub(super) async fn insist_on_registry_keys(&self) {
        while let Err(error) = self.load_registry_keys().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the registry has no keys yet");
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Removes the pairs that signed nothing which can be good any more, and kite keys that are over.
    pub(crate) async fn sweep_registry_keys(&self) -> Result<(), Error> {
        let now = self.now();
        let wait = self.inner.settings.registry.token_life.saturating_add(MARGIN);
        let retired_before = now.checked_sub(wait).unwrap_or(Timestamp::MIN);
        let mut tx = self.inner.store.begin().await?;
        tx.sweep_kite_codes(now).await?;
        for user in tx.sweep_kite_keys(now).await? {
            announce_kite_rights(&mut tx, user);
        }
        let unused = tx.unused_registry_keys(retired_before, now).await?;
        for key in &unused {
            tx.delete_registry_key(&key.kid).await?;
        }
        if !unused.is_empty() {
            tx.nudge(KEYS_TOPIC);
            tracing::info!(removed = unused.len(), "keys that the registry once signed with are gone");
        }
        tx.commit().await?;
        Ok(())
    }

    /// Makes a pair unless there is one.
    async fn make_first_pair(&self) -> Result<(), Error> {
        if has_signer(&mut self.inner.store.read().await?).await? {
            return Ok(());
        }
        let key = new_pair().await?;
        let sealer = self.sealer(KeyOwner::Platform).await?;
        let mut tx = self.inner.store.begin().await?;
        if has_signer(&mut tx).await? {
            // Durable, and seen by readers, once this is committed.
            return Ok(tx.commit().await?);
        }
        match keep(&mut tx, &sealer, &key, self.now()).await {
            Ok(()) => Ok(tx.commit().await?),
            // Another server was faster: its pair it is.
            Err(Error::Conflict { code: "registry_key", .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether there is a pair that signs.
async fn has_signer(tx: &mut Tx) -> Result<bool, Error> {
    Ok(tx.registry_keys().await?.iter().any(|row| row.retired_at.is_none()))
}

/// Makes a pair, which takes up to a second of a core.
async fn new_pair() -> Result<SigningKey, Error> {
    let made = tokio::task::spawn_blocking(SigningKey::generate).await;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Internal {
        what: "cannot make a key for the registry".into(),
        source,
    };
    made.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
}

/// Keeps a pair that signs from now on.
async fn keep(tx: &mut Tx, sealer: &Sealer, key: &SigningKey, now: Timestamp) -> Result<(), Error> {
    let row = RegistryKeyRow {
        kid: key.id().to_owned(),
        public: key.public().to_pem().to_owned(),
        created_at: now,
        retired_at: None,
    };
    tx.insert_registry_key(&row).await.map_err(|error| match error {
        StoreError::Conflict { .. } => Error::Conflict {
            code: "registry_key",
            what: "the registry's key is being replaced by somebody else".into(),
            mend: "look at the keys, then try again if need be".into(),
        },
        other => other.into(),
    })?;
    let private = Secret::from(key.to_pem().map_err(|error| broken(&error))?);
    sealer.put(tx, CellKind::RegistryKeyPrivate, &row.kid, &private).await
}

fn broken(error: &KeyError) -> Error {
    Error::Internal { what: "cannot use the registry's key".into(), source: error.to_string().into() }
}
