//! Nudges: "look again", sent after a commit to whoever listens in this process, and with PostgreSQL
//! to every other server on the same database.
//!
//! A nudge carries a topic and no data, and may get lost (a slow listener, a broken connection), so
//! every listener also looks by itself from time to time.

use std::sync::Arc;

use tokio::sync::broadcast;

/// What changed, as chosen by whoever calls [`crate::Tx::nudge`].
pub type Topic = Arc<str>;

/// The topic that means "nudges may have been missed: look at everything".
///
/// Sent after the connection to PostgreSQL was lost and restored.
pub const EVERYTHING: &str = "*";

/// A listener that is this far behind gets `Lagged` and should treat it as [`EVERYTHING`].
const BACKLOG: usize = 1024;

/// The in-process end.
#[derive(Debug, Clone)]
pub(crate) struct Nudges(broadcast::Sender<Topic>);

impl Nudges {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Topic> {
        self.0.subscribe()
    }

    /// Tells everybody who listens; that nobody does is fine.
    pub(crate) fn send(&self, topics: impl IntoIterator<Item = Topic>) {
        for topic in topics {
            self.0.send(topic).ok();
        }
    }
}
