//! Removes folders that strangers filled.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Removes a folder with all it holds. Nothing to do if there is none.
///
/// Unlike the standard library's it holds no descriptor and no stack frame per level, so that no depth
/// exhausts either: each folder inside is moved to the top, then emptied there. And it takes the rights
/// it needs: layers have folders that forbid us to.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let top = match open(fs::CWD, path.as_os_str().as_encoded_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut moved = 0_u64;
    loop {
        let folders = empty(top.as_fd(), |_| Ok(()))?;
        if folders.is_empty() {
            break;
        }
        for name in folders {
            let folder = open(top.as_fd(), &name)?;
            empty(folder.as_fd(), |inner| {
                // Moving a folder changes its `..`, which takes the right to write in it.
                drop(open(folder.as_fd(), inner)?);
                loop {
                    moved += 1;
                    let free = format!("{moved:x}");
                    match fs::renameat_with(&folder, inner, &top, &free, fs::RenameFlags::NOREPLACE) {
                        Err(Errno::EXIST) => {}
                        other => return Ok(other?),
                    }
                }
            })?;
            fs::unlinkat(&top, name.as_slice(), AtFlags::REMOVEDIR)?;
        }
    }
    Ok(fs::rmdir(path)?)
}

/// Removes everything that is not a folder; folders are given to `each` and answered.
fn empty(folder: BorrowedFd<'_>, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Vec<Vec<u8>>> {
    let mut folders = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                FileType::from_raw_mode(fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
            }
            known => known,
        };
        if kind == FileType::Directory {
            folders.push(name.to_vec());
        } else {
            fs::unlinkat(folder, name, AtFlags::empty())?;
        }
    }
    // Only now: what is moved while a folder is read may be met twice.
    for name in &folders {
        each(name)?;
    }
    Ok(folders)
}

/// Opens a folder with all rights on it.
fn open(parent: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match fs::openat(&parent, name, OFlags::RDONLY | flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            fs::chmodat(&parent, name, Mode::RWXU, AtFlags::empty())?;
            fs::openat(&parent, name, OFlags::RDONLY | flags, Mode::empty())?
        }
        other => other?,
    };
    if !rustix::process::geteuid().is_root() {
        fs::fchmod(&folder, Mode::RWXU)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests;
