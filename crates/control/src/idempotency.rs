//! Repeated requests: the same key gets the same answer and does nothing twice.

use domain::{Caller, SignedDuration};
use store::StoreError;

use crate::control::Control;
use crate::error::Error;

/// How long an answer is kept: a day covers every client that retries.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Longer keys carry something else than chance.
const KEY_MAX: usize = 255;

impl Control {
    /// The answer this caller got under this key before; `None` for a key that is new.
    ///
    /// `fingerprint` stands for everything the request asks for.
    ///
    /// # Errors
    ///
    /// 409 `key_reused` when the key belongs to a request that asked for something else.
    pub async fn recall(
        &self,
        caller: &Caller,
        key: &str,
        fingerprint: &str,
    ) -> Result<Option<String>, Error> {
        if key.is_empty() || key.len() > KEY_MAX {
            let what = format!("an idempotency key has 1 to {KEY_MAX} bytes");
            return Err(Error::invalid("Idempotency-Key", what, "send a fresh UUID"));
        }
        let kept = self.inner.store.read().await?.remembered(caller.user, key).await?;
        match kept {
            None => Ok(None),
            Some(kept) if kept.fingerprint == fingerprint => Ok(Some(kept.response)),
            Some(_) => Err(Error::Conflict {
                code: "key_reused",
                what: format!("the idempotency key `{key}` belongs to another request"),
                mend: "send a fresh key for a new request".into(),
            }),
        }
    }

    /// Keeps an answer under a key for a day. The first one stays.
    pub async fn remember(
        &self,
        caller: &Caller,
        key: &str,
        fingerprint: &str,
        response: &str,
    ) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        match tx.remember(caller.user, key, fingerprint, response, now).await {
            Ok(()) => Ok(tx.commit().await?),
            Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
