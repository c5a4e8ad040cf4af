//! Replacing keys while everything goes on.
//!
//! What remains to be done is always read from the database: data keys wrapped by an older platform key, and
//! secrets sealed by a retired data key. So a rotation that was cut short goes on where it stood, on this
//! server or another, and two servers that do it at once only do some of the work twice.

use std::time::Duration;

use domain::{Caller, DataKeyId, SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::Tx;
use vault::DataKey;

use super::status::{KeyStatus, Rotation};
use super::{open, seal_again};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// Rows a transaction replaces: a few milliseconds of the one writer.
const BATCH: u32 = 200;
/// Pause between two batches, so that others get their turn.
const BREATH: Duration = Duration::from_millis(5);
/// Longest pause without being woken.
const IDLE: Duration = Duration::from_mins(5);
/// How long a retired key that nothing is sealed with is kept: whoever got hold of it before it was retired
/// has long finished by then.
const KEEP_RETIRED: SignedDuration = SignedDuration::from_hours(1);
/// How long a data key seals: a year, so that even a key whose owner seals all day long stays far below the
/// 2³² values that random nonces allow (NIST SP 800-38D, section 8.3).
const LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The setting that remembers what was asked for, for the progress.
pub(super) const SETTING: &str = "key_rotation";
/// The nudge that says there is something to do.
const TOPIC: &str = "keys";

/// Which keys to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationLevel {
    /// The platform key: all data keys are wrapped again.
    Platform,
    /// The data keys: all secrets are sealed again.
    Data,
}

impl Control {
    /// Begins to replace keys; [`Control::run`] does the work.
    ///
    /// # Errors
    ///
    /// `forbidden` unless an administrator asks; 409 `rotation_under_way`; `unavailable` when the platform key
    /// cannot be used or does not make new versions.
    pub async fn rotate_keys(&self, caller: &Caller, level: RotationLevel) -> Result<KeyStatus, Error> {
        caller.administer()?;
        let before = self.key_status(caller).await?;
        if before.rotation.is_some() {
            return Err(Error::Conflict {
                code: "rotation_under_way",
                what: "keys are being replaced already".into(),
                mend: "wait until that is done".into(),
            });
        }
        // The new version first: should the rest fail, only a version that nothing uses was made.
        if level == RotationLevel::Platform {
            self.inner.keyring.platform.rotate().await?;
        }
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let total = match level {
            RotationLevel::Platform => before.data_keys,
            RotationLevel::Data => {
                tx.retire_current_data_keys(now).await?;
                before.secrets
            }
        };
        let rotation = Rotation { level, started_at: now, done: 0, total };
        let value = serde_json::to_string(&rotation).map_err(|error| Error::Internal {
            what: "cannot write down that keys are replaced".into(),
            source: Box::new(error),
        })?;
        tx.set_setting(SETTING, &value).await?;
        let what = match level {
            RotationLevel::Platform => "platform",
            RotationLevel::Data => "data",
        };
        note(&mut tx, caller.user, now, ("keys.rotate", what.into()), String::new()).await?;
        tx.nudge(TOPIC);
        tx.commit().await?;
        self.key_status(caller).await
    }

    /// Replaces what is to be replaced, for ever.
    pub(crate) async fn keep_keys(self) {
        let mut nudges = self.inner.store.nudges();
        loop {
            if let Err(error) = self.replace_keys().await {
                tracing::warn!(error = %error, "cannot go on replacing keys");
            }
            let heard = async {
                while let Ok(topic) = nudges.recv().await {
                    if &*topic == TOPIC || &*topic == store::EVERYTHING {
                        return;
                    }
                }
            };
            tokio::select! {
                () = heard => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    /// Replaces all that is to be replaced now.
    pub(crate) async fn replace_keys(&self) -> Result<(), Error> {
        // Of what is asked for from now on, this pass may have missed something.
        let asked = self.inner.store.read().await?.setting(SETTING).await?;
        self.retire_old_keys().await?;
        self.wrap_all().await?;
        while self.seal_some().await? {
            tokio::time::sleep(BREATH).await;
        }
        let now = self.now();
        let unused_since = now.checked_sub(KEEP_RETIRED).unwrap_or(now);
        let mut tx = self.inner.store.begin().await?;
        let removed = tx.delete_unused_retired_data_keys(unused_since).await?;
        let ended = asked.is_some() && tx.setting(SETTING).await? == asked;
        if ended {
            tx.delete_setting(SETTING).await?;
        }
        if removed > 0 || ended {
            tx.commit().await?;
            tracing::info!(removed, "all keys are replaced");
        }
        Ok(())
    }

    /// Retires what has sealed for a year.
    async fn retire_old_keys(&self) -> Result<(), Error> {
        let now = self.now();
        let before = now.checked_sub(LIFETIME).unwrap_or(Timestamp::MIN);
        let mut tx = self.inner.store.begin().await?;
        if tx.retire_old_data_keys(before, now).await? > 0 {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Wraps every data key that an older platform key wraps.
    async fn wrap_all(&self) -> Result<(), Error> {
        let platform = &self.inner.keyring.platform;
        let version = platform.version().await?;
        let mut after = DataKeyId::NIL;
        loop {
            let mut tx = self.inner.store.read().await?;
            let keys = tx.data_keys_not_wrapped_by(&version, after, BATCH).await?;
            drop(tx);
            let Some(last) = keys.last() else { return Ok(()) };
            after = last.id;
            for row in &keys {
                let owner = row.owner.to_string();
                let new = DataKey::rewrap(row.id, &owner, &row.wrapped, &**platform).await?;
                let mut tx = self.inner.store.begin().await?;
                tx.save_wrapped(row.id, &new, &platform.wrapped_by(&new)).await?;
                tx.commit().await?;
            }
        }
    }

    /// Seals some secrets with their owners' new keys; whether there are more.
    pub(super) async fn seal_some(&self) -> Result<bool, Error> {
        let found = self.inner.store.read().await?.sealed_by_retired(BATCH).await?;
        if found.is_empty() {
            return Ok(false);
        }
        let mut replaced = Vec::with_capacity(found.len());
        let mut broken = 0_usize;
        for row in &found {
            let old = self.data_key(row.value.key_id(), row.owner).await?;
            let new = self.current_key(row.owner).await?;
            match open(&old, row) {
                Ok(plain) => replaced.push((row, seal_again(&new, row, &plain))),
                Err(error) => {
                    broken += 1;
                    tracing::error!(kind = row.kind, row = row.row, error = %error, "a secret does not open");
                }
            }
        }
        let mut tx: Tx = self.inner.store.begin().await?;
        for (row, value) in &replaced {
            // Not replaced where somebody has put another secret there meanwhile: that one is new already.
            tx.swap_sealed(&row.kind, &row.row, &row.value, value).await?;
        }
        tx.commit().await?;
        if broken == found.len() {
            return Err(Error::Internal {
                what: format!("{broken} secrets do not open and keep their retired keys"),
                source: "they were changed outside of Hearth".into(),
            });
        }
        Ok(true)
    }
}
