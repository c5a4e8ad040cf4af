//! A file that only its owner reads, and that is there wholly or not at all.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{PlatformKeyError, Secret};

/// Tells one state of the file from the next: every replacement is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    length: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            length: metadata.len(),
        }
    }
}

/// Far more versions than anybody makes.
const LONGEST: u64 = 1 << 20;

/// The state of the file.
pub(super) fn stamp(path: &Path) -> Result<Stamp, PlatformKeyError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    Ok(Stamp::of(&metadata))
}

/// The file's text, if nobody but its owner may read it.
pub(super) fn read(path: &Path) -> Result<(Secret<String>, Stamp), PlatformKeyError> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(PlatformKeyError::refused(
            format!("the key file {} may be used by others than its owner", path.display()),
            format!("run `chmod 600 {}`, and rotate the key if somebody may have read it", path.display()),
        ));
    }
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(PlatformKeyError::refused(
            format!("{} is no key file", path.display()),
            "name the key file in this server's settings",
        ));
    }
    let room = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(room + 1));
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| unreadable(path, error))?;
    Ok((Secret::from(text), Stamp::of(&metadata)))
}

/// Makes the file; refuses when there is one.
pub(super) fn create(path: &Path, text: &Secret<String>) -> Result<(), PlatformKeyError> {
    let folder = folder(path);
    if !folder.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| unwritable(path, error))?;
    }
    let _alone = lock(path)?;
    let beside = write_beside(path, text)?;
    // A link, unlike a rename, never replaces what is there.
    let linked = std::fs::hard_link(&beside, path);
    let removed = std::fs::remove_file(&beside);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(PlatformKeyError::refused(
            format!("there is a key file {} already", path.display()),
            "use it, or move it away if nothing was ever sealed with it",
        )),
        linked => {
            let synced = linked.and(removed).and_then(|()| File::open(&folder)?.sync_all());
            synced.map_err(|error| unwritable(path, error))
        }
    }
}

/// Replaces the file. Whoever reads it sees the old text or the new one. The caller holds [`lock`].
pub(super) fn replace(path: &Path, text: &Secret<String>) -> Result<(), PlatformKeyError> {
    // A link in the place of the file goes on leading to it.
    let path = &path.canonicalize().map_err(|error| unreadable(path, error))?;
    let beside = write_beside(path, text)?;
    let mode = std::fs::metadata(path).map(|metadata| metadata.mode() & 0o700);
    let replaced = mode
        .and_then(|mode| std::fs::set_permissions(&beside, Permissions::from_mode(mode)))
        .and_then(|()| std::fs::rename(&beside, path))
        .and_then(|()| File::open(folder(path))?.sync_all());
    replaced.map_err(|error| unwritable(path, error))
}

/// Keeps other processes from changing the file until dropped.
pub(super) fn lock(path: &Path) -> Result<File, PlatformKeyError> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = File::open(folder(&path)).map_err(|error| unwritable(&path, error))?;
    folder.lock().map_err(|error| unwritable(&path, error))?;
    Ok(folder)
}

/// Writes the text to a new file in the same folder, down to the disk. Left-overs of a crash are replaced.
fn write_beside(path: &Path, text: &Secret<String>) -> Result<PathBuf, PlatformKeyError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let write = || {
        if let Err(error) = std::fs::remove_file(&beside)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.expose().as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| unwritable(path, error))?;
    Ok(beside)
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> PlatformKeyError {
    let what = format!("cannot read the key file {}", path.display());
    PlatformKeyError::unavailable(what, "check that the file is there and belongs to this server's user")
        .because(error)
}

fn unwritable(path: &Path, error: std::io::Error) -> PlatformKeyError {
    let what = format!("cannot write the key file {}", path.display());
    PlatformKeyError::unavailable(what, "check that this server's user may write in its folder, and its disk")
        .because(error)
}
