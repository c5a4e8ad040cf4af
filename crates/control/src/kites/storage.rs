//! Where registrations outlive the server: rows of the store, in the registry's words.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use domain::KiteVia;
use kite::Kite;
use registry::{Entry, Place, Registration, Seen, Storage, StorageError};
use store::{KitePut, KiteRow, StoreError, Tx};

use crate::control::Inner;

/// Said after a commit that added, changed or removed stored registrations; the name of the server that did it is behind.
pub(super) const STORED_TOPIC: &str = "kites ";

/// The registry's way to the store.
pub(super) struct KiteStorage(pub(super) Weak<Inner>);

impl KiteStorage {
    fn inner(&self) -> Result<Arc<Inner>, StorageError> {
        self.0.upgrade().ok_or_else(|| StorageError("the server is ending".into()))
    }
}

#[async_trait]
impl Storage for KiteStorage {
    async fn load(&self) -> Result<Vec<Entry>, StorageError> {
        let rows = async { self.inner()?.store.read().await.map_err(failed)?.kites().await.map_err(failed) };
        Ok(rows.await?.into_iter().filter_map(entry_of).collect())
    }

    async fn save(&self, entries: &[Arc<Entry>]) -> Result<Vec<String>, StorageError> {
        let inner = self.inner()?;
        let mut tx = inner.store.begin().await.map_err(failed)?;
        let mut taken = Vec::new();
        for entry in entries {
            match tx.put_kite(&row_of(entry)).await.map_err(failed)? {
                KitePut::Taken => taken.push(entry.kite.id.clone()),
                KitePut::Kept | KitePut::Gone => {}
            }
        }
        finish(&inner, tx).await?;
        Ok(taken)
    }

    async fn remove(&self, gone: &[Registration]) -> Result<(), StorageError> {
        let inner = self.inner()?;
        let mut tx = inner.store.begin().await.map_err(failed)?;
        for registration in gone {
            tx.delete_kite(&registration.id, registration.generation).await.map_err(failed)?;
        }
        finish(&inner, tx).await
    }

    async fn touch(&self, seen: &[Seen]) -> Result<(), StorageError> {
        let inner = self.inner()?;
        let mut tx = inner.store.begin().await.map_err(failed)?;
        for seen in seen {
            let Registration { id, generation } = &seen.registration;
            tx.touch_kite(id, *generation, seen.at).await.map_err(failed)?;
        }
        // Nobody is told: others look often enough, and would do nothing else than look otherwise.
        tx.commit().await.map_err(failed)
    }
}

async fn finish(inner: &Inner, mut tx: Tx) -> Result<(), StorageError> {
    tx.nudge(format!("{STORED_TOPIC}{}", inner.settings.server));
    tx.commit().await.map_err(failed)
}

fn failed(error: StoreError) -> StorageError {
    StorageError(Box::new(error))
}

fn row_of(entry: &Entry) -> KiteRow {
    let Kite { id, username, environment, name, version, region, hostname } = entry.kite.clone();
    let (workspace, team) = match entry.place {
        Place::Workspace { id, team } => (Some(id), Some(team)),
        Place::Service { team } => (None, team),
    };
    KiteRow {
        id,
        owner: entry.owner,
        workspace,
        team,
        credential: Some(entry.credential.clone()).filter(|credential| !credential.is_empty()),
        username,
        environment,
        name,
        version,
        region,
        hostname,
        url: entry.url.clone(),
        via: entry.via,
        signed_by: entry.key.clone(),
        server: entry.server.clone(),
        generation: entry.generation,
        registered_at: entry.registered_at,
        seen_at: entry.seen_at,
    }
}

/// `None` for a row that no version of this wrote: an agent without a workspace's team.
fn entry_of(row: KiteRow) -> Option<Entry> {
    let place = match (row.via, row.workspace, row.team) {
        (KiteVia::Agent, Some(id), Some(team)) => Place::Workspace { id, team },
        (KiteVia::Socket | KiteVia::Http, None, team) => Place::Service { team },
        (KiteVia::Agent | KiteVia::Socket | KiteVia::Http, ..) => {
            tracing::warn!(kite.id = row.id, "a stored registration makes no sense and is left out");
            return None;
        }
    };
    Some(Entry {
        kite: Kite {
            id: row.id,
            username: row.username,
            environment: row.environment,
            name: row.name,
            version: row.version,
            region: row.region,
            hostname: row.hostname,
        },
        url: row.url,
        owner: row.owner,
        place,
        via: row.via,
        credential: row.credential.unwrap_or_default(),
        key: row.signed_by,
        generation: row.generation,
        registered_at: row.registered_at,
        seen_at: row.seen_at,
        connected: false,
        server: row.server,
        calls: None,
        errors: None,
        tokens: 0,
    })
}
