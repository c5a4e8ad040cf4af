//! Images against real registries, archives by real tools, and hostile ones.

#![allow(clippy::panic, clippy::print_stdout, reason = "a helper of a test may fail, and says why it skips")]

mod archives;
mod bombs;
mod build;
mod cage;
mod fake_registry;
mod hostile;
mod merged;
mod pulls;
mod real_peers;
mod shelf;

use std::path::Path;
use std::sync::Mutex;

use domain::ImageReference;
use outbound::{Client, Policy};
use runtime::ImageStore;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A store in a folder of its own.
struct Place {
    folder: TempDir,
    store: ImageStore,
    lines: Mutex<Vec<String>>,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path());
        Self { folder, store, lines: Mutex::default() }
    }

    /// Opens the store anew, as after a restart.
    fn reopened(self) -> Self {
        let Self { folder, store, .. } = self;
        drop(store);
        let store = open(folder.path());
        Self { folder, store, lines: Mutex::default() }
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.folder.path().join("images").join(below)
    }

    fn progress(&self) -> impl Fn(String) + Send + Sync + '_ {
        |line| self.lines.lock().unwrap().push(line)
    }

    async fn prepare(&self, reference: &str) -> Result<runtime::Image, runtime::DriverError> {
        self.store.prepare(&name(reference), &self.progress(), &CancellationToken::new()).await
    }

    async fn import(
        &self,
        reference: Option<&str>,
        archive: &[u8],
    ) -> Result<Vec<runtime::Image>, runtime::DriverError> {
        self.store.import(reference.map(name), archive, &self.progress(), &CancellationToken::new()).await
    }

    /// How many things are in a folder of the store.
    fn count(&self, folder: &str) -> usize {
        std::fs::read_dir(self.path(folder)).unwrap().count()
    }

    /// Asserts that nothing but what a store without images has is left.
    fn assert_empty(&self) {
        for folder in ["layers", "records", "names", "staging"] {
            assert_eq!(self.count(folder), 0, "{folder}");
        }
    }
}

fn open(data: &Path) -> ImageStore {
    ImageStore::open(data.to_owned(), Client::new(Policy::with_loopback())).unwrap()
}

fn name(reference: &str) -> ImageReference {
    reference.parse().unwrap()
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}
