//! What is written down about images: one small JSON file each, replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use domain::{ImageDigest, ImageReference};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::trouble::failed;
use crate::DriverError;

/// Beside an unpacked layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayerNote {
    /// The digest of its tar stream.
    pub(super) diff_id: ImageDigest,
    /// Bytes of its files.
    pub(super) size_bytes: u64,
    /// Devices it has that were not made.
    pub(super) devices_left_out: u64,
}

/// An image, whatever it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ImageNote {
    /// The digest of its configuration.
    pub(super) id: ImageDigest,
    /// Lowest first, none twice.
    pub(super) layers: Vec<LayerNote>,
    pub(super) env: Vec<(String, String)>,
    pub(super) user: String,
    pub(super) working_dir: String,
}

/// A name and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NameNote {
    pub(super) reference: ImageReference,
    pub(super) id: ImageDigest,
    /// Digests of the manifest and index it was found by, so that it is also found by these.
    #[serde(default)]
    pub(super) manifests: Vec<ImageDigest>,
}

/// Writes a note so that after a crash there is either the old or the new one.
pub(super) fn write(note: &impl Serialize, to: &Path, through: &Path) -> Result<(), DriverError> {
    let put = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(through)?;
        serde_json::to_writer(&mut file, note)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(to)?;
        sync_folder_of(to)
    };
    put().map_err(|error| failed(format!("cannot write `{}`", to.display()), error))
}

/// Reads a note; `None` if there is none.
pub(super) fn read<T: DeserializeOwned>(from: &Path) -> Result<Option<T>, DriverError> {
    let got = match fs::read(from) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    got.map_err(|error| failed(format!("cannot read `{}`", from.display()), error))
}

/// Removes a note for good; nothing to do if there is none.
pub(super) fn erase(path: &Path) -> Result<(), DriverError> {
    match fs::remove_file(path).and_then(|()| sync_folder_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(format!("cannot remove `{}`", path.display()), error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
