//! Sandboxes on disk: `sandboxes/<id>/{spec.json,state.json,lock,stage/,disk/{upper,work}}`.
//!
//! What is on disk is the only truth about what exists, so every change is made in an order in which a
//! crash between any two steps is finished by whoever comes next.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use domain::{ImageDigest, Limits, Rootfs, SnapshotId, WorkspaceId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::failed::{Context, Failed};
use super::plan::Ids;
use super::rootfs::{DISK, STAGE};
use super::{erase, furnish};
use crate::DriverError;

/// What a sandbox is made of, as written in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spec {
    /// Host name inside.
    pub hostname: String,
    /// What it starts from, as it was asked for.
    pub rootfs: Rootfs,
    /// The image that name meant at creation; `None` for the machine itself.
    pub image: Option<ImageDigest>,
    /// The sealed disk it stands on.
    pub base: Option<SnapshotId>,
    /// What it may use.
    pub limits: Limits,
    /// Its ids.
    pub ids: Ids,
    /// A seal that was begun. Whoever reads this finishes it first.
    pub sealing: Option<SnapshotId>,
}

/// The data folder of the native driver.
#[derive(Debug, Clone)]
pub(super) struct Disks {
    data: PathBuf,
}

impl Disks {
    /// Opens the folder, makes what is missing in it, and finishes removals that were interrupted.
    pub(super) fn open(data: PathBuf) -> Result<Self, Failed> {
        let disks = Self { data };
        for folder in [&disks.data, &disks.sandboxes(), &disks.snapshots(), &disks.trash()] {
            make_private(folder)?;
        }
        disks.empty_trash()?;
        Ok(disks)
    }

    /// The data folder itself.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Where a sandbox's files are.
    pub(super) fn folder(&self, id: WorkspaceId) -> PathBuf {
        self.sandboxes().join(id.to_string())
    }

    fn sandboxes(&self) -> PathBuf {
        self.data.join("sandboxes")
    }

    /// Where snapshots are.
    pub(super) fn snapshots(&self) -> PathBuf {
        self.data.join("snapshots")
    }

    fn trash(&self) -> PathBuf {
        self.data.join("trash")
    }

    /// Every sandbox of which anything exists.
    pub(super) fn all(&self) -> Result<Vec<WorkspaceId>, Failed> {
        names(&self.sandboxes())
    }

    /// Makes a sandbox's disk. The spec is written last: without it the next call begins anew.
    pub(super) fn create(&self, id: WorkspaceId, spec: &Spec, lowers: &[PathBuf]) -> Result<(), Failed> {
        let folder = self.folder(id);
        make_private(&folder)?;
        make_private(&folder.join(STAGE))?;
        self.make_layer(id, spec)?;
        furnish::own_files(&folder.join(DISK).join("upper"), spec, lowers)?;
        write_json(&folder.join(SPEC), spec)
    }

    /// Gives the sandbox a writable layer if it has none.
    pub(super) fn make_layer(&self, id: WorkspaceId, spec: &Spec) -> Result<(), Failed> {
        let disk = self.folder(id).join(DISK);
        make_private(&disk)?;
        for name in ["upper", "work"] {
            let path = disk.join(name);
            make_folder(&path, 0o755)?;
            // The upper layer's own owner is that of the sandbox's `/`.
            furnish::give(&path, spec.ids.on_disk(0))?;
        }
        Ok(())
    }

    /// What the sandbox is made of, after finishing what a crash left half-done.
    pub(super) fn load(&self, id: WorkspaceId) -> Result<Spec, DriverError> {
        let spec: Spec = read_json(&self.folder(id).join(SPEC)).ok_or(DriverError::NoSandbox(id))?;
        Ok(self.finish_seal(id, spec)?)
    }

    /// What the sandbox says it is made of; `None` if it says nothing readable.
    pub(super) fn peek(&self, id: WorkspaceId) -> Option<Spec> {
        read_json(&self.folder(id).join(SPEC))
    }

    /// Replaces the spec.
    pub(super) fn save(&self, id: WorkspaceId, spec: &Spec) -> Result<(), Failed> {
        write_json(&self.folder(id).join(SPEC), spec)
    }

    /// Moves a folder out of the way in one step and tells where to, for [`Disks::erase`].
    pub(super) fn throw_away(&self, folder: &Path, name: &str) -> Result<Option<PathBuf>, Failed> {
        // Something of that name is there only if a removal was interrupted.
        let free = (0u32..).map(|number| self.trash().join(format!("{name}.{number}")));
        for target in free.take(1000) {
            match fs::rename(folder, &target) {
                Ok(()) => return Ok(Some(target)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) if error.raw_os_error() == Some(libc::ENOTEMPTY) => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).context(|| format!("cannot remove `{}`", folder.display()));
                }
            }
        }
        Err(Failed::because(format!("cannot remove `{}`: the trash is full of it", folder.display())))
    }

    /// Erases what was thrown away. Takes as long as there are files.
    pub(super) fn erase(thrown: impl IntoIterator<Item = PathBuf>) -> Result<(), Failed> {
        thrown.into_iter().try_for_each(|path| erase::erase(&path))
    }

    /// Erases what a server threw away that ended before it could erase it.
    fn empty_trash(&self) -> Result<(), Failed> {
        let trash = self.trash();
        for entry in fs::read_dir(&trash).context(|| format!("cannot list `{}`", trash.display()))? {
            let entry = entry.context(|| format!("cannot list `{}`", trash.display()))?;
            erase::erase(&entry.path())?;
        }
        Ok(())
    }
}

/// File that says what a sandbox or snapshot is.
pub(super) const SPEC: &str = "spec.json";

/// The names in a folder that are ids of one kind.
pub(super) fn names<T: std::str::FromStr>(folder: &Path) -> Result<Vec<T>, Failed> {
    let entries = fs::read_dir(folder).context(|| format!("cannot list `{}`", folder.display()))?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// Makes a folder that only the server may enter; one that is there stays.
pub(super) fn make_private(path: &Path) -> Result<(), Failed> {
    make_folder(path, 0o700)
}

/// Makes a folder with these permissions, whatever the mask says; one that is there stays as it is.
pub(super) fn make_folder(path: &Path, mode: u32) -> Result<(), Failed> {
    let what = || format!("cannot make the folder `{}`", path.display());
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(path).context(what)?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).context(what)
        }
        made => {
            made.context(what)?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).context(what)
        }
    }
}

/// Writes a file whole or not at all, and on the disk before anybody relies on it.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failed> {
    let what = || format!("cannot write `{}`", path.display());
    let text = serde_json::to_vec_pretty(value).map_err(|error| Failed::because(error.to_string()))?;
    let new = path.with_extension("json.new");
    let mut file =
        fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&new).context(what)?;
    file.write_all(&text).context(what)?;
    file.sync_data().context(what)?;
    fs::rename(&new, path).context(what)
}

/// Reads what [`write_json`] wrote; `None` if there is nothing or not that.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
