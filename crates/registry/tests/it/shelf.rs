//! A storage in memory that can be out of order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use registry::{Entry, Registration, Seen, Storage, StorageError};

#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) stored: BTreeMap<String, Entry>,
    pub(crate) is_down: bool,
    pub(crate) saves: usize,
    pub(crate) loads: usize,
    pub(crate) touches: usize,
}

#[derive(Default)]
pub(crate) struct Shelf(Mutex<Rows>);

impl Shelf {
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.rows().stored.keys().cloned().collect()
    }

    fn up(&self) -> Result<MutexGuard<'_, Rows>, StorageError> {
        let rows = self.rows();
        if rows.is_down { Err(StorageError("the shelf has fallen".into())) } else { Ok(rows) }
    }
}

#[async_trait]
impl Storage for Shelf {
    async fn load(&self) -> Result<Vec<Entry>, StorageError> {
        let mut rows = self.up()?;
        rows.loads += 1;
        let stored = rows.stored.values().map(|entry| Entry {
            connected: false,
            calls: None,
            errors: None,
            tokens: 0,
            ..entry.clone()
        });
        Ok(stored.collect())
    }

    async fn save(&self, entries: &[Arc<Entry>]) -> Result<Vec<String>, StorageError> {
        let mut rows = self.up()?;
        let mut taken = Vec::new();
        for entry in entries {
            rows.saves += 1;
            let id = entry.kite.id.clone();
            match rows.stored.get(&id) {
                Some(row) if row.owner != entry.owner && entry.workspace().is_none() => taken.push(id),
                _ => {
                    rows.stored.insert(id, Entry::clone(entry));
                }
            }
        }
        Ok(taken)
    }

    async fn remove(&self, gone: &[Registration]) -> Result<(), StorageError> {
        let mut rows = self.up()?;
        for gone in gone {
            if rows.stored.get(&gone.id).is_some_and(|row| row.generation == gone.generation) {
                rows.stored.remove(&gone.id);
            }
        }
        Ok(())
    }

    async fn touch(&self, seen: &[Seen]) -> Result<(), StorageError> {
        let mut rows = self.up()?;
        for seen in seen {
            rows.touches += 1;
            let registration = &seen.registration;
            if let Some(row) = rows.stored.get_mut(&registration.id)
                && row.generation == registration.generation
            {
                row.seen_at = seen.at;
            }
        }
        Ok(())
    }
}
