//! What other servers on the same database have, read again when one of them says so, and now and then anyway.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{LOOK_AGAIN, PAUSES};
use crate::registry::Registry;
use crate::storage::StorageError;

/// How long it is waited for more that is to be read together: while thousands of kites come back to another
/// server, it says so with every batch that it writes.
const TOGETHER: Duration = Duration::from_secs(1);

impl Registry {
    /// That kites were seen is told by nobody: it is found here, well before they are taken for dead.
    pub(super) async fn keep_compared(&self, stop: &CancellationToken) {
        let mut pause = PAUSES.0;
        let work = async {
            loop {
                let told = tokio::time::timeout(LOOK_AGAIN, self.inner.to_compare.notified()).await;
                if told.is_ok() {
                    tokio::time::sleep(TOGETHER).await;
                    self.inner.to_compare.notified().now_or_never();
                }
                while let Err(error) = self.compare().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "trying again in {pause:?}");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(PAUSES.1);
                }
                pause = PAUSES.0;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    async fn compare(&self) -> Result<(), StorageError> {
        let rows = self.inner.storage.load().await?;
        let at = self.now();
        self.change(|state| state.book.compare(rows, Instant::now(), at));
        Ok(())
    }
}
