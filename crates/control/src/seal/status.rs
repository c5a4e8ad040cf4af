//! How secrets are sealed now, for administrators.

use domain::{Caller, Timestamp};
use serde::{Deserialize, Serialize};

use super::rotation::{RotationLevel, SETTING};
use crate::control::Control;
use crate::error::Error;

/// How secrets are sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// What kind of platform key there is: `file`, `transit`.
    pub platform_key: &'static str,
    /// Its newest version; unknown while it cannot be asked.
    pub version: Option<String>,
    /// Why it cannot be used at the moment.
    pub problem: Option<String>,
    /// Data keys there are.
    pub data_keys: u64,
    /// Data keys that an older version wraps.
    pub wrapped_by_older: u64,
    /// Data keys that only open what was sealed earlier.
    pub retired: u64,
    /// Sealed secrets there are.
    pub secrets: u64,
    /// Secrets still sealed by a retired data key.
    pub sealed_by_retired: u64,
    /// The replacement under way.
    pub rotation: Option<Rotation>,
}

/// A replacement of keys under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Of which keys.
    pub level: RotationLevel,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// Keys or secrets done.
    pub done: u64,
    /// Keys or secrets there were when it was asked for.
    pub total: u64,
}

impl Control {
    /// How secrets are sealed now.
    ///
    /// # Errors
    ///
    /// `forbidden` unless an administrator asks.
    pub async fn key_status(&self, caller: &Caller) -> Result<KeyStatus, Error> {
        caller.administer()?;
        let platform = &self.inner.keyring.platform;
        let (version, problem) = match platform.version().await {
            Ok(version) => (Some(version), platform.health().await.err()),
            Err(error) => (None, Some(error)),
        };
        let mut tx = self.inner.store.read().await?;
        let keys = tx.count_data_keys(version.as_deref().unwrap_or_default()).await?;
        let secrets = tx.count_sealed().await?;
        let sealed_by_retired = tx.count_sealed_by_retired().await?;
        let setting = tx.setting(SETTING).await?;
        drop(tx);
        let wrapped_by_older = if version.is_some() { keys.wrapped_by_other } else { 0 };
        let rotation =
            setting.and_then(|text| serde_json::from_str::<Rotation>(&text).ok()).map(|mut rotation| {
                let left = match rotation.level {
                    RotationLevel::Platform => wrapped_by_older,
                    RotationLevel::Data => sealed_by_retired,
                };
                rotation.done = rotation.total.saturating_sub(left);
                rotation
            });
        Ok(KeyStatus {
            platform_key: platform.name(),
            version,
            problem: problem.map(|error| format!("{error}; {}", error.mend())),
            data_keys: keys.all,
            wrapped_by_older,
            retired: keys.retired,
            secrets,
            sealed_by_retired,
            rotation,
        })
    }
}
