//! Turns for answers that may be large, of each connection by itself.
//!
//! A client that takes nothing has its calls wait, finished or not, so their number and not its goodwill bounds
//! what they hold. They are of the connection, because whoever shared them would wait with it.

use std::sync::Arc;

use kite::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers of several hundred KiB that one connection has under way: each takes up to 3 MiB once it is made, and
/// about 5 MiB while it is.
const BULKS: usize = 2;

/// The turns of one connection; clones share them. To be put in the connection's context.
#[derive(Clone)]
pub(crate) struct Bulks(Arc<Semaphore>);

impl Bulks {
    /// Those of a new connection.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BULKS)))
    }

    /// Those of the connection that a request came over.
    pub(super) fn of(request: &Request) -> Self {
        request.context().get::<Self>().cloned().unwrap_or_else(Self::new)
    }

    /// Waits for a turn. To be held until the answer is handed on. `None` cannot come: they are never closed.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}
