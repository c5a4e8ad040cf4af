//! Where registrations outlive the server, and where servers see each other's.
//!
//! The registry's memory is the truth about the kites of its own server, and is written behind: what changed is
//! saved in batches, as it then is, and tried again until it works. No method waits for it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;

use crate::entry::Entry;

/// Storage did not do it. Says nothing to callers; the registry logs it and tries again.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach the stored registrations")]
pub struct StorageError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Names one registration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registration {
    /// The kite's id.
    pub id: String,
    /// Which of its registrations.
    pub generation: u64,
}

/// What was last heard of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub registration: Registration,
    /// When.
    pub at: Timestamp,
}

/// The stored registrations of all servers. Counts and `connected` are not kept.
#[async_trait]
pub trait Storage: Send + Sync {
    /// All of them; `connected` is false in each.
    async fn load(&self) -> Result<Vec<Entry>, StorageError>;

    /// Adds or replaces by the kite's id, in one transaction, at most [`crate::BATCH`] at a time. A row of another
    /// owner stays; its id is in the answer. A row whose owner or workspace is gone is left out without an error.
    async fn save(&self, entries: &[Arc<Entry>]) -> Result<Vec<String>, StorageError>;

    /// Removes rows where id and generation are still these, in one transaction.
    async fn remove(&self, gone: &[Registration]) -> Result<(), StorageError>;

    /// Sets `seen_at` where id and generation are still these, in one transaction.
    async fn touch(&self, seen: &[Seen]) -> Result<(), StorageError>;
}

/// Most registrations in one call of [`Storage`].
pub const BATCH: usize = 500;
