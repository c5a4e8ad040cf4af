//! Answers that are followed by calls: what follows must not overtake them.

use std::sync::{Mutex, PoisonError};

use serde::{Serialize, Serializer};
use tokio::sync::oneshot;

/// A result that tells when it is on its way. What streams to callbacks begins only then, because a client
/// expects the answer (a process id, a session) before what the answer is about.
pub(super) struct Answer<T> {
    value: T,
    told: Mutex<Option<oneshot::Sender<()>>>,
}

/// Resolves when the answer is on its way, or never will be.
pub(super) struct Answered(oneshot::Receiver<()>);

impl<T> Answer<T> {
    /// The answer, and what waits for it.
    pub(super) fn new(value: T) -> (Self, Answered) {
        let (told, waiting) = oneshot::channel();
        (Self { value, told: Mutex::new(Some(told)) }, Answered(waiting))
    }
}

impl<T: Serialize> Serialize for Answer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let serialized = self.value.serialize(serializer);
        if let Some(told) = self.told.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody may wait for it any more.
            let _ = told.send(());
        }
        serialized
    }
}

impl Answered {
    /// Waits. Whoever serialises an answer queues it before anything else of this connection runs.
    pub(super) async fn wait(self) {
        drop(self.0.await);
        tokio::task::yield_now().await;
    }
}
