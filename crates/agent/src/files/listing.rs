//! What is in a folder.

use std::fs::{DirEntry, FileType};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use domain::Timestamp;
use wire::agent::{Entry, Listing};

/// Most entries answered (`wire::agent::Listing`).
const MOST: usize = 10_000;

/// Lists a folder, folders first, by name.
pub(super) fn list(path: &Path) -> io::Result<Listing> {
    let mut entries = Vec::new();
    let mut truncated = false;
    for found in std::fs::read_dir(path)? {
        if entries.len() == MOST {
            truncated = true;
            break;
        }
        // One that has gone since, or cannot be looked at, is no reason to show none.
        if let Ok(entry) = found.and_then(|found| describe(&found)) {
            entries.push(entry);
        }
    }
    entries.sort_by(|a, b| (a.kind != "folder", &a.name).cmp(&(b.kind != "folder", &b.name)));
    Ok(Listing { entries, truncated })
}

fn describe(found: &DirEntry) -> io::Result<Entry> {
    let metadata = found.metadata()?;
    Ok(Entry {
        name: found.file_name().to_string_lossy().into_owned(),
        kind: kind(metadata.file_type()).to_owned(),
        size_bytes: if metadata.is_dir() { 0 } else { metadata.len() },
        modified_at: metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
        mode: format!("{:o}", metadata.permissions().mode() & 0o7777),
    })
}

fn kind(of: FileType) -> &'static str {
    if of.is_dir() {
        "folder"
    } else if of.is_file() {
        "file"
    } else if of.is_symlink() {
        "link"
    } else {
        "other"
    }
}
