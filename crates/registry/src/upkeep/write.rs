//! Writing behind: what changed is written when storage works, and nothing waits for it.

use std::time::Duration;

use kite::Peer;
use tokio_util::sync::CancellationToken;

use super::PAUSES;
use crate::registry::Registry;
use crate::storage::StorageError;
use crate::writes::Write;

/// How long the last writes may take when the server stops.
const LAST_WRITES: Duration = Duration::from_secs(5);

impl Registry {
    pub(super) async fn keep_written(&self, stop: &CancellationToken) {
        let mut pause = PAUSES.0;
        while stop.run_until_cancelled(self.inner.to_write.notified()).await.is_some() {
            while let Err(error) = self.write_all().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "trying again in {pause:?}");
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    break;
                }
                pause = pause.saturating_mul(2).min(PAUSES.1);
            }
            pause = PAUSES.0;
        }
        match tokio::time::timeout(LAST_WRITES, self.write_all()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "some registrations are not stored");
            }
            Err(_) => {
                tracing::warn!("some registrations are not stored: it took longer than {LAST_WRITES:?}");
            }
        }
    }

    /// Writes until there is nothing left.
    async fn write_all(&self) -> Result<(), StorageError> {
        loop {
            let next = self.state().book.next_write();
            let Some(write) = next else { return Ok(()) };
            let outcome = match &write {
                Write::Remove(gone) => self.inner.storage.remove(gone).await,
                Write::Touch(seen) => self.inner.storage.touch(seen).await,
                Write::Save(entries) => self.inner.storage.save(entries).await.map(|taken| {
                    for entry in entries.iter().filter(|entry| taken.contains(&entry.kite.id)) {
                        tracing::warn!(
                            "a kite's id is in use by somebody else on another server; it is dropped here"
                        );
                        // It comes back, and hears then that the id cannot be used.
                        let peer = self.change(|state| {
                            let peer = state.connection_of(entry);
                            state.book.end(&entry.kite.id, entry.generation);
                            peer
                        });
                        peer.as_ref().map(Peer::close);
                    }
                }),
            };
            if let Err(error) = outcome {
                self.state().book.writes.put_back(write);
                return Err(error);
            }
        }
    }
}
