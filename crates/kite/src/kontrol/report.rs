//! Telling the registry how many calls a kite answered, for whoever looks at the list.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Shared;
use crate::Counts;
use crate::error::kind;

/// At most this often.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Report {
    calls: u64,
    errors: u64,
}

impl Shared {
    /// Reports the counts when they changed since the last report on this connection.
    pub(super) async fn report(self: Arc<Self>) {
        let mut last: Option<(u64, Counts)> = None;
        // A registry that knows no reports is not asked again on the same connection.
        let mut deaf = 0;
        let mut registered = self.registered.subscribe();
        loop {
            if registered.wait_for(Option::is_some).await.is_err() {
                return;
            }
            let live = self.live.borrow().clone();
            let counts = self.service.counts();
            if let Some(live) = live
                && live.generation != deaf
                && last != Some((live.generation, counts))
            {
                let report = Report { calls: counts.calls, errors: counts.errors };
                match live.peer.call::<serde::de::IgnoredAny>("report", report).await {
                    Ok(_) => last = Some((live.generation, counts)),
                    Err(error) if error.is(kind::METHOD_NOT_FOUND) => deaf = live.generation,
                    Err(error) => tracing::debug!(%error, "cannot report how many calls were answered"),
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
