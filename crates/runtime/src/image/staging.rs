//! Folders for what is not finished yet. They are gone when their owner is, whatever happened.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::remove::remove_tree;
use super::trouble::failed;
use crate::DriverError;

/// A folder of its own, removed with all it holds when dropped.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes one in `folder`, with places for a layer and for what the layer replaces in itself.
    pub(super) fn new(folder: &Path) -> Result<Self, DriverError> {
        let made = tempfile::Builder::new().prefix("new-").tempdir_in(folder);
        let path =
            made.map_err(|error| failed(format!("cannot make a folder in `{}`", folder.display()), error))?;
        let staging = Self { path: path.keep() };
        for part in [staging.layer(), staging.files(), staging.trash()] {
            fs::create_dir(&part)
                .map_err(|error| failed(format!("cannot make `{}`", part.display()), error))?;
        }
        Ok(staging)
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What becomes a layer's folder on the shelf.
    pub(super) fn layer(&self) -> PathBuf {
        self.path.join("layer")
    }

    /// The layer's files.
    pub(super) fn files(&self) -> PathBuf {
        self.layer().join("fs")
    }

    /// What entries of the layer replaced.
    pub(super) fn trash(&self) -> PathBuf {
        self.path.join("trash")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.path) {
            warn!(path = %self.path.display(), %error, "cannot clear a staging folder; the next start tries again");
        }
    }
}
