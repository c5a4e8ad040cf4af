//! Removing a tree that somebody hostile may have written: arbitrarily deep, unreadable, full of links.
//!
//! No path is ever longer than two names and no link is followed: a folder found below the top is moved up
//! to the top and dealt with there, so neither depth nor descriptors run out.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::failed::{Context, Failed};

/// Removes the folder or file at `path`, which is ours, and everything below it, which is not. What is
/// gone already is fine, so an interrupted removal is finished by calling again.
pub(super) fn erase(path: &Path) -> Result<(), Failed> {
    let what = || format!("cannot remove `{}`", path.display());
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Failed::because(what()));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = rustix::fs::open(parent, flags, Mode::empty()).context(what)?;
    let result = Eraser { top: &parent, name, moved: 0 }.run();
    result.context(what)
}

struct Eraser<'a> {
    top: &'a OwnedFd,
    name: &'a OsStr,
    moved: u64,
}

impl Eraser<'_> {
    fn run(mut self) -> Result<(), Errno> {
        let mut waiting = vec![self.name.as_bytes().to_vec()];
        while let Some(name) = waiting.pop() {
            match rustix::fs::unlinkat(self.top, name.as_slice(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                // What Linux says of a folder, and what POSIX says of it.
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(errno) => return Err(errno),
            }
            let folder = match self.enter(&name) {
                Err(Errno::NOENT) => continue,
                entered => entered?,
            };
            self.empty(&folder, &mut waiting)?;
            match rustix::fs::unlinkat(self.top, name.as_slice(), AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                // Reading a folder while it shrinks may miss an entry.
                Err(Errno::NOTEMPTY) => waiting.push(name),
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Opens a folder that may forbid it even to its owner.
    fn enter(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(self.top, name, flags | OFlags::PATH, Mode::empty())?;
        // The name may lead elsewhere by now; the descriptor cannot.
        let own = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&folder));
        rustix::fs::chmod(&*own, Mode::RWXU)?;
        rustix::fs::openat(&folder, ".", flags | OFlags::RDONLY, Mode::empty())
    }

    /// Removes what is no folder and moves folders to the top, where they wait.
    fn empty(&mut self, folder: &OwnedFd, waiting: &mut Vec<Vec<u8>>) -> Result<(), Errno> {
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entry.file_type() != FileType::Directory {
                match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => continue,
                    Err(Errno::ISDIR | Errno::PERM) => {}
                    Err(errno) => return Err(errno),
                }
            }
            if rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR).is_ok() {
                continue;
            }
            match self.hoist(folder, name) {
                // Somebody else removes the same tree: a server that was killed left its last thread at it.
                Err(Errno::NOENT) => {}
                hoisted => waiting.push(hoisted?),
            }
        }
        Ok(())
    }

    fn hoist(&mut self, folder: &OwnedFd, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut changed = false;
        loop {
            self.moved += 1;
            let target = [self.name.as_bytes(), b"~", self.moved.to_string().as_bytes()].concat();
            match rustix::fs::renameat_with(folder, name, self.top, target.as_slice(), RenameFlags::NOREPLACE)
            {
                Ok(()) => return Ok(target),
                // Left by a removal that was interrupted; it is removed by its own name.
                Err(Errno::EXIST) => {}
                // Moving a folder rewrites its `..`, which its owner must be allowed to.
                Err(Errno::ACCESS) if !changed => {
                    changed = true;
                    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
                    let inner = rustix::fs::openat(folder, name, flags, Mode::empty())?;
                    let own = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&inner));
                    rustix::fs::chmod(&*own, Mode::RWXU)?;
                }
                Err(errno) => return Err(errno),
            }
        }
    }
}
