//! The outbox of a connection, and messages on their way into it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Shared;
use crate::error::Error;

/// Messages that wait to be sent.
#[derive(Default)]
pub(super) struct Outbox {
    messages: VecDeque<Outgoing>,
}

/// One message that waits to be sent.
pub(super) struct Outgoing {
    pub(super) text: String,
    pub(super) kind: Kind,
}

/// How a message is accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It holds so many of the connection's bytes, for which its sender waited.
    Paid(u32),
    /// An answer. Nobody waited; too many of them stop the reading.
    Answer,
}

impl Outbox {
    pub(super) fn push(&mut self, text: String, kind: Kind) {
        self.messages.push_back(Outgoing { text, kind });
    }

    /// Gives all messages away, if there are any. `emptied` must be empty and is used on.
    pub(super) fn swap(&mut self, emptied: &mut VecDeque<Outgoing>) {
        if !self.messages.is_empty() {
            std::mem::swap(&mut self.messages, emptied);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

/// A message that has its ids and is not in the outbox yet. Dropped before it is there, its functions
/// are released.
pub(crate) struct Prepared<'s> {
    pub(super) shared: &'s Arc<Shared>,
    pub(super) text: String,
    pub(super) functions: Vec<u64>,
}

impl Prepared<'_> {
    /// Waits for room, and puts it into the outbox.
    pub(crate) async fn send(self) -> Result<(), Error> {
        let bytes = self.shared.bytes_of(&self.text);
        let permit = self.shared.room.acquire_many(bytes).await.map_err(|_| Error::disconnected())?;
        permit.forget();
        self.push(bytes)
    }

    /// Puts it into the outbox if there is room.
    pub(crate) fn try_send(self) -> Result<(), Error> {
        let bytes = self.shared.bytes_of(&self.text);
        match self.shared.room.try_acquire_many(bytes) {
            Ok(permit) => permit.forget(),
            Err(tokio::sync::TryAcquireError::Closed) => return Err(Error::disconnected()),
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                return Err(Error::send("too much waits to be sent already"));
            }
        }
        self.push(bytes)
    }

    /// The text, for the outbox; what becomes of its functions is the outbox's from now on.
    pub(super) fn into_text(mut self) -> String {
        self.functions.clear();
        std::mem::take(&mut self.text)
    }

    fn push(mut self, bytes: u32) -> Result<(), Error> {
        let text = std::mem::take(&mut self.text);
        self.shared.push(text, Kind::Paid(bytes))?;
        self.functions.clear();
        Ok(())
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        for id in &self.functions {
            self.shared.release(*id);
        }
    }
}
