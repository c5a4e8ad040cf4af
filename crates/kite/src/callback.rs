//! Functions of the other end.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, de};

use crate::arguments;
use crate::error::Error;
use crate::peer::Peer;

/// A function of the other end, from the arguments or the result of a call. Cheap to clone.
///
/// It gets its arguments as they are, unlike the answer to a call; some other servers wrap them. Invocations arrive in the
/// order in which they were sent, and have no result.
#[derive(Clone)]
pub struct Callback {
    peer: Peer,
    id: u64,
}

impl Callback {
    pub(crate) fn new(peer: Peer, id: u64) -> Self {
        Self { peer, id }
    }

    /// Calls it, and waits while the other end reads too slowly.
    ///
    /// Arguments: a tuple, array or list is the positional list, `()` is none, anything else the single one.
    ///
    /// # Errors
    ///
    /// `disconnect` when the connection has ended, `sendError` when the arguments cannot be sent.
    pub async fn call(&self, arguments: impl Serialize) -> Result<(), Error> {
        let prepared = self.peer.shared().invocation(self.id, &arguments)?;
        // What was borrowed or is not `Send` must not live over the wait.
        drop(arguments);
        prepared.send().await
    }

    /// Calls it at once.
    ///
    /// # Errors
    ///
    /// Beside those of [`Callback::call`]: `sendError` while too much waits to be sent already.
    pub fn try_call(&self, arguments: impl Serialize) -> Result<(), Error> {
        self.peer.shared().invocation(self.id, &arguments)?.try_send()
    }

    /// The other end of its connection.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Resolves when the connection has ended.
    pub async fn closed(&self) {
        self.peer.closed().await;
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.peer.is_closed()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Callback({})", self.id)
    }
}

impl<'de> Deserialize<'de> for Callback {
    /// Works within the arguments or the result of a call only.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Place;

        impl Visitor<'_> for Place {
            type Value = Callback;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a function")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Callback, E> {
                arguments::at(text).ok_or_else(|| E::invalid_type(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Place)
    }
}
