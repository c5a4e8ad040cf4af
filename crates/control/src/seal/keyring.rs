//! The data keys in memory: unwrapped when first needed, asked for again after a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::{DataKeyId, KeyOwner, SignedDuration, Timestamp};
use store::{DataKeyRow, StoreError};
use vault::{DataKey, PlatformKey};

use crate::control::{Control, hold};
use crate::error::Error;

/// How long an unwrapped key is used before the platform key is asked again. When it cannot be asked then, the
/// key goes on being used: whoever works keeps working while a key service is away.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
/// Keys kept unwrapped: 200 bytes each.
const KEPT: usize = 20_000;
/// Tries to make an owner's first key before somebody else's must be visible.
const TRIES: u32 = 3;

/// The platform key, and the data keys it has unwrapped lately.
pub(crate) struct Keyring {
    pub(super) platform: Arc<dyn PlatformKey>,
    opened: Mutex<HashMap<DataKeyId, Opened>>,
}

#[derive(Clone)]
struct Opened {
    key: Arc<DataKey>,
    at: Timestamp,
}

impl Keyring {
    pub(crate) fn new(platform: Arc<dyn PlatformKey>) -> Self {
        Self { platform, opened: Mutex::default() }
    }

    fn keep(&self, key: Arc<DataKey>, at: Timestamp) {
        let mut opened = hold(&self.opened);
        if opened.len() >= KEPT {
            opened.retain(|_, kept| at.duration_since(kept.at) < FRESH);
        }
        if opened.len() < KEPT {
            opened.insert(key.id(), Opened { key, at });
        }
    }

    /// Unwraps the key of this row, unless that was done lately.
    pub(super) async fn open(&self, row: &DataKeyRow, now: Timestamp) -> Result<Arc<DataKey>, Error> {
        let kept = hold(&self.opened).get(&row.id).cloned();
        if let Some(kept) = &kept
            && now.duration_since(kept.at) < FRESH
        {
            return Ok(kept.key.clone());
        }
        match DataKey::unwrap(row.id, &row.owner.to_string(), &row.wrapped, &*self.platform).await {
            Ok(key) => {
                let key = Arc::new(key);
                self.keep(key.clone(), now);
                Ok(key)
            }
            Err(error) => match kept {
                Some(kept) if error.is_transient() => {
                    tracing::warn!(error = %error, "the platform key is away; a key in memory is used on");
                    Ok(kept.key)
                }
                _ => Err(error.into()),
            },
        }
    }
}

impl Control {
    /// The key that seals what belongs to `owner` from now on.
    pub(super) async fn current_key(&self, owner: KeyOwner) -> Result<Arc<DataKey>, Error> {
        for _ in 0..TRIES {
            let found = self.inner.store.read().await?.current_data_key(owner).await?;
            if let Some(row) = found {
                return self.inner.keyring.open(&row, self.now()).await;
            }
            let now = self.now();
            let key = DataKey::generate(DataKeyId::generate(now, &*self.inner.entropy), &*self.inner.entropy);
            let platform = &self.inner.keyring.platform;
            let wrapped = key.wrap(&**platform, &owner.to_string()).await?;
            let row = DataKeyRow {
                id: key.id(),
                owner,
                wrapped_by: platform.wrapped_by(&wrapped),
                wrapped,
                created_at: now,
                retired_at: None,
            };
            let mut tx = self.inner.store.begin().await?;
            // What another transaction of the same group wrote is seen here before readers see it; the
            // commit waits until it is durable.
            if tx.current_data_key(owner).await?.is_some() {
                tx.commit().await?;
                continue;
            }
            match tx.insert_data_key(&row).await {
                Ok(()) => {
                    tx.commit().await?;
                    let key = Arc::new(key);
                    self.inner.keyring.keep(key.clone(), now);
                    return Ok(key);
                }
                // Another server, or another request, was faster: theirs it is.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Unavailable {
            what: "no key could be made to seal secrets".into(),
            mend: "try again".into(),
        })
    }

    /// The data key of this id, which must be of this owner.
    pub(super) async fn data_key(&self, id: DataKeyId, owner: KeyOwner) -> Result<Arc<DataKey>, Error> {
        let row = self.inner.store.read().await?.data_key(id).await?;
        let row = row.filter(|row| row.owner == owner).ok_or_else(|| Error::Internal {
            what: format!("the key `{id}` that a secret is sealed with is gone"),
            source: "its owner was deleted, or a backup is older than a rotation".into(),
        })?;
        self.inner.keyring.open(&row, self.now()).await
    }
}
