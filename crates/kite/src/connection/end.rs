//! Why a connection ends, and the messages that make no sense before it does.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, warn};

use crate::transport::TransportError;

/// Why a connection ends.
pub(super) enum End {
    /// Either end closed it.
    Closed,
    Failed(TransportError),
    Nonsense,
    Stalled,
    /// Its own limits kept it from reading.
    Deaf,
    TooLong,
}

impl End {
    pub(super) fn log(&self, connection: u64) {
        let reason = match self {
            Self::Closed => return,
            Self::Failed(error) => {
                debug!(peer.connection = connection, "a connection ended: {error}");
                return;
            }
            Self::Nonsense => "too many messages made no sense",
            Self::Stalled => "the other end took nothing",
            Self::Deaf => {
                "nothing could be read for too long, because nothing that was read before was finished"
            }
            Self::TooLong => "a message was too long",
        };
        warn!(peer.connection = connection, "a connection was closed: {reason}");
    }
}

/// Messages that made no sense, in the second that began at the first of them.
#[derive(Default)]
pub(super) struct Nonsense {
    since: Option<Instant>,
    count: u32,
}

impl Nonsense {
    /// Counts one more, and says how many there were in this second.
    pub(super) fn count(&mut self, now: Instant) -> u32 {
        if self.since.is_none_or(|since| now - since >= Duration::from_secs(1)) {
            *self = Self { since: Some(now), count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}
