//! A store in a cage: whatever an image does, nothing outside may change.

use std::fs;
use std::path::Path;

use outbound::{Client, Policy};
use runtime::image::Caps;
use runtime::{DriverError, Image, ImageStore};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::build::{Packing, image, tar};
use super::{name, text};

/// A store inside a folder in which nothing else may change.
pub(crate) struct Cage {
    folder: TempDir,
    store: ImageStore,
}

impl Cage {
    pub(crate) fn new() -> Self {
        Self::with(Caps::default())
    }

    pub(crate) fn with(caps: Caps) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("canary")).unwrap();
        fs::write(folder.path().join("canary/bird"), "alive").unwrap();
        let data = folder.path().join("data");
        let store = ImageStore::open_with(&data, Client::new(Policy::public_only()), caps).unwrap();
        Self { folder, store }
    }

    pub(crate) fn canary(&self) -> String {
        self.folder.path().join("canary").to_str().unwrap().to_owned()
    }

    /// Imports an image of one layer; whatever comes of it, nothing outside may have changed.
    pub(crate) async fn unpack(&self, layer: Vec<u8>, packing: Packing) -> Result<Image, DriverError> {
        self.import(&tar(&image(&[(layer, packing)]).layout(&[]))).await
    }

    pub(crate) async fn import(&self, archive: &[u8]) -> Result<Image, DriverError> {
        let result = self.store.import(Some(name("it")), archive, &|_| (), &CancellationToken::new()).await;
        self.assert_untouched();
        result.map(|images| images[0].clone())
    }

    /// Removes what was imported last.
    pub(crate) async fn remove(&self) -> bool {
        self.store.remove(&name("it")).await.unwrap()
    }

    pub(crate) fn assert_untouched(&self) {
        let names = |path: &Path| {
            let mut names: Vec<_> =
                fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(self.folder.path()), ["canary", "data"]);
        assert_eq!(names(&self.folder.path().join("canary")), ["bird"]);
        assert_eq!(text(self.folder.path().join("canary/bird")), "alive");
        assert_eq!(names(&self.folder.path().join("data")), ["images"]);
        let images = self.folder.path().join("data/images");
        assert_eq!(names(&images), ["holds", "layers", "lock", "names", "records", "staging"]);
        assert_eq!(names(&images.join("staging")).len(), 0);
    }
}
