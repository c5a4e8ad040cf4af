//! What is said about one file.

use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use domain::Timestamp;
use rustix::fs::{Access, access};
use serde::Serialize;

use super::path::encode;

/// One file, folder, link or other thing, with the names that clients of Klient know.
///
/// A link is described by what it leads to; one that leads nowhere by itself, with `is_broken`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "these are the fields of the protocol")]
pub(in crate::klient) struct Entry {
    /// Last part of the path; bytes that are not UTF-8 are replaced.
    pub(super) name: String,
    pub(super) full_path: String,
    pub(super) is_dir: bool,
    pub(super) exists: bool,
    /// Bytes, as the file system says.
    size: u64,
    /// The permission bits as POSIX has them (`st_mode & 0o7777`). `is_dir` says the rest.
    mode: u32,
    /// When the content was changed last (RFC 3339); null for what is not there.
    time: Option<String>,
    is_broken: bool,
    /// Whether the workspace's user may.
    readable: bool,
    writable: bool,
    /// The name in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_bytes: Option<String>,
    /// The path in base64, where it is not UTF-8: an argument as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl Entry {
    /// Looks. What is not there is an entry too.
    pub(in crate::klient) fn look(path: &Path) -> io::Result<Self> {
        let own = match std::fs::symlink_metadata(path) {
            Ok(own) => own,
            Err(error) if is_missing(&error) => return Ok(Self::missing(path)),
            Err(error) => return Err(error),
        };
        let led_to = if own.is_symlink() { std::fs::metadata(path).ok() } else { None };
        let is_broken = own.is_symlink() && led_to.is_none();
        let metadata = led_to.unwrap_or(own);
        Ok(Self {
            is_dir: metadata.is_dir(),
            exists: true,
            size: metadata.len(),
            mode: metadata.mode() & 0o7777,
            time: Some(changed_at(&metadata).to_string()),
            is_broken,
            readable: access(path, Access::READ_OK).is_ok(),
            writable: access(path, Access::WRITE_OK).is_ok(),
            ..Self::missing(path)
        })
    }

    /// What is said about something that is not there.
    pub(in crate::klient) fn missing(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            full_path: path.to_string_lossy().into_owned(),
            is_dir: false,
            exists: false,
            size: 0,
            mode: 0,
            time: None,
            is_broken: false,
            readable: false,
            writable: false,
            name_bytes: name.to_str().is_none().then(|| encode(name.as_bytes())),
            path_bytes: path.to_str().is_none().then(|| encode(path.as_os_str().as_bytes())),
        }
    }

    /// The same of what was a folder, where that is known.
    pub(super) fn missing_folder(path: &Path) -> Self {
        Self { is_dir: true, ..Self::missing(path) }
    }

    /// Bytes of this entry in an answer.
    pub(super) fn weight(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len() + 1)
    }
}

/// Whether the error only says that there is nothing.
pub(in crate::klient) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn changed_at(metadata: &Metadata) -> Timestamp {
    let nanoseconds = i32::try_from(metadata.mtime_nsec()).unwrap_or_default();
    // A file system can hold years that have no RFC 3339 form.
    Timestamp::new(metadata.mtime(), nanoseconds).unwrap_or(if metadata.mtime() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
