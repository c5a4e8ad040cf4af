//! What is in a folder, and below it.

use std::ffi::OsString;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::trouble::cannot_with;
use super::turns::Wanted;
use crate::problem::Problem;

/// Most entries in one answer.
pub(super) const MOST: usize = 10_000;
/// Most bytes of entries in one answer, so that it is a message that the connection still takes.
pub(super) const MOST_BYTES: usize = 3 << 20;

/// What is wanted of a folder.
pub(super) struct Wish {
    pub(super) path: PathBuf,
    pub(super) recursive: bool,
    /// Names of folders that are shown but not looked into.
    pub(super) ignored: Vec<String>,
}

impl Wish {
    /// Whether the folder of this name is looked into.
    pub(super) fn enters(&self, name: &std::ffi::OsStr) -> bool {
        self.recursive && !self.ignored.iter().any(|ignored| name == ignored.as_str())
    }
}

/// Entries by name; a folder's content follows it.
pub(super) struct Listing {
    pub(super) files: Vec<Entry>,
    /// Whether there is more than an answer holds.
    pub(super) truncated: bool,
}

/// Lists a folder. Links are shown and not gone through.
pub(super) fn list(wish: &Wish, wanted: &Wanted) -> Result<Listing, Problem> {
    let mut listing = Listing { files: Vec::new(), truncated: false };
    let mut bytes = 0;
    let mut open = vec![readable_names(&wish.path, MOST + 1).map_err(cannot_with("list", &wish.path))?];
    while let Some(folder) = open.last_mut() {
        wanted.check()?;
        let Some(found) = folder.names.pop() else {
            open.pop();
            continue;
        };
        let path = folder.path.join(&found.name);
        // One that has gone since, or cannot be looked at, is no reason to show none.
        let Ok(entry) = Entry::look(&path) else { continue };
        if !entry.exists {
            continue;
        }
        bytes += entry.weight();
        if listing.files.len() == MOST || bytes > MOST_BYTES {
            listing.truncated = true;
            break;
        }
        listing.files.push(entry);
        if found.is_folder && wish.enters(&found.name) {
            open.extend(readable_names(&path, MOST + 1 - listing.files.len()).ok());
        }
    }
    Ok(listing)
}

/// A folder with what of it is not looked at yet.
pub(super) struct Names {
    pub(super) path: PathBuf,
    /// Last name first.
    pub(super) names: Vec<Name>,
}

pub(super) struct Name {
    pub(super) name: OsString,
    /// A real one, not a link to one.
    pub(super) is_folder: bool,
}

/// All names. A folder that cannot be read to its end is an error: whoever takes what is not named for not being
/// there, and then removes the folder, would lose it.
pub(super) fn all_names(path: &Path) -> io::Result<Names> {
    sorted(path, std::fs::read_dir(path)?)
}

/// At most so many names; of a folder that cannot be read to its end, those before.
pub(super) fn readable_names(path: &Path, most: usize) -> io::Result<Names> {
    sorted(path, std::fs::read_dir(path)?.take_while(Result::is_ok).take(most))
}

fn sorted(path: &Path, found: impl Iterator<Item = io::Result<DirEntry>>) -> io::Result<Names> {
    let name = |found: DirEntry| Name {
        name: found.file_name(),
        is_folder: found.file_type().is_ok_and(|kind| kind.is_dir()),
    };
    let mut names = found.map(|found| found.map(name)).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable_by(|a, b| b.name.cmp(&a.name));
    Ok(Names { path: path.to_owned(), names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_breaks_off_is_not_taken_for_a_short_one() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let breaks_off = || {
            let found = std::fs::read_dir(folder.path()).unwrap().take(1);
            found.chain([Err(io::Error::from_raw_os_error(libc::EIO))])
        };

        assert_eq!(sorted(folder.path(), breaks_off()).err().unwrap().raw_os_error(), Some(libc::EIO));
        assert_eq!(sorted(folder.path(), breaks_off().take_while(Result::is_ok)).unwrap().names.len(), 1);
        let all = all_names(folder.path()).unwrap();
        assert_eq!(all.names.iter().map(|found| &*found.name).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(readable_names(folder.path(), 1).unwrap().names.len(), 1);
    }
}
