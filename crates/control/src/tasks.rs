//! Every background task has a name, an owner and an end.

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The tasks of one [`crate::Control`]. All of them end when its [`crate::Control::run`] does.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    life: CancellationToken,
}

impl Tasks {
    /// Runs `work` until it is done or everything ends. Everything may end at any `.await` of it:
    /// whatever is half done then is finished by the next server.
    pub(crate) fn spawn(&self, name: impl Display, work: impl Future<Output = ()> + Send + 'static) {
        let life = self.life.clone();
        let span = tracing::debug_span!("task", %name);
        let guarded = async move {
            tokio::select! {
                biased;
                () = life.cancelled() => {}
                () = work => {}
            }
        };
        self.tracker.spawn(guarded.instrument(span));
    }

    /// Cancelled when everything ends.
    pub(crate) fn life(&self) -> &CancellationToken {
        &self.life
    }

    /// Ends everything, and waits for it a while.
    pub(crate) async fn end(&self, patience: Duration) {
        self.life.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = self.tracker.len(), "some background tasks did not end in time");
        }
    }
}
