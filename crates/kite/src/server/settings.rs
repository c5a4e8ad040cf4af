//! How much an endpoint takes, and how patient it is.

use std::time::Duration;

use crate::web_socket::Pace;

/// Limits and times of an [`Endpoint`](super::Endpoint).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of messages that a polling client has sent and nobody has read yet; above it sends wait.
    pub inbox_bytes: usize,
    /// Bytes of messages that wait for a polling client; above it the service waits.
    pub outbox_bytes: usize,
    /// Bytes after which a streaming answer ends and the client asks anew, so that no browser piles up one
    /// endless answer. 128 KiB, as in SockJS's own server.
    pub stream_bytes: usize,
    /// How often something is sent on a quiet connection. 25 s, as SockJS has it: proxies commonly cut after 30 s
    /// or more.
    pub heartbeat: Duration,
    /// How long a polling client may be away before its session is over. 10 s, as Go's kites have it.
    pub disconnect_delay: Duration,
    /// How long a client may take no byte of what waits for it.
    pub write_timeout: Duration,
    /// How long the body of a request may take, and how long a send may wait for a service that does not read.
    pub request_timeout: Duration,
    /// Connections and sessions at any time; who comes above it gets 503.
    pub connections: usize,
    /// The same for each address (for IPv6, each network of 64 bits); who comes above it gets 429.
    pub connections_per_address: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inbox_bytes: 1 << 20,
            outbox_bytes: 1 << 20,
            stream_bytes: 128 << 10,
            heartbeat: Duration::from_secs(25),
            disconnect_delay: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            connections: 20_000,
            connections_per_address: 1_000,
        }
    }
}

impl Settings {
    pub(super) fn pace(&self, message_bytes: usize) -> Pace {
        Pace { heartbeat: self.heartbeat, write_timeout: self.write_timeout, message_bytes }
    }
}
