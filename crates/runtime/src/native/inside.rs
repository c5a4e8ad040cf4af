//! Paths inside a sandbox's file system, walked as if it were the root already.
//!
//! The sandbox wrote this tree during its last run, so nothing here follows its links out of it.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::failed::{Context, Failed};

/// The root of a tree that somebody else wrote.
pub(super) struct Inside {
    root: OwnedFd,
}

impl Inside {
    /// Opens the tree at a path that is ours.
    pub(super) fn open(path: &str) -> Result<Self, Failed> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root =
            rustix::fs::open(path, flags, Mode::empty()).context(|| format!("cannot open `{path}`"))?;
        Ok(Self { root })
    }

    /// The place of that path, if there is one. A link as its last part is not followed.
    pub(super) fn existing(&self, path: &str) -> Result<Option<OwnedFd>, Failed> {
        match self.look_up(path, OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(fd) => {
                let stat = rustix::fs::fstat(&fd).context(|| format!("cannot look at `{path}`"))?;
                let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
                Ok((!is_link).then_some(fd))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno).context(|| format!("cannot open `{path}` in the sandbox")),
        }
    }

    /// The folder of that path; it and its parents are made where missing.
    pub(super) fn folder(&self, path: &str) -> Result<OwnedFd, Failed> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.look_up(path, flags) {
            Err(Errno::NOENT) => {}
            found => return found.context(|| format!("cannot open the folder `{path}` in the sandbox")),
        }
        let (parent, name) = self.parent(path)?;
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).context(|| format!("cannot make `{path}` in the sandbox")),
        }
        self.look_up(path, flags).context(|| format!("cannot open the folder `{path}` in the sandbox"))
    }

    /// The file of that path, made empty where missing.
    pub(super) fn file(&self, path: &str) -> Result<OwnedFd, Failed> {
        if let Some(found) = self.existing(path)? {
            return Ok(found);
        }
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::WRONLY;
        let what = || format!("cannot make the file `{path}` in the sandbox");
        rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644)).context(what)?;
        self.existing(path)?.ok_or_else(|| Failed::because(what()))
    }

    /// Makes a link. One that is there stays.
    pub(super) fn link(&self, target: &str, path: &str) -> Result<(), Failed> {
        let (parent, name) = self.parent(path)?;
        match rustix::fs::symlinkat(target, &parent, name) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno).context(|| format!("cannot make the link `{path}` in the sandbox")),
        }
    }

    /// Gives a folder just made another owner and other permissions.
    pub(super) fn hand_over(&self, path: &str, owner: Option<u32>, mode: u32) -> Result<(), Failed> {
        let what = || format!("cannot set the permissions of `{path}` in the sandbox");
        let (parent, name) = self.parent(path)?;
        if let Some(owner) = owner {
            let (uid, gid) = (rustix::fs::Uid::from_raw(owner), rustix::fs::Gid::from_raw(owner));
            rustix::fs::chownat(&parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .context(what)?;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&parent, name, flags, Mode::empty()).context(what)?;
        rustix::fs::fchmod(fd, Mode::from_raw_mode(mode)).context(what)
    }

    /// The folder a path lies in, made where missing, and the path's last part.
    fn parent<'a>(&self, path: &'a str) -> Result<(OwnedFd, &'a str), Failed> {
        match path.trim_end_matches('/').rsplit_once('/') {
            Some(("", name)) => Ok((self.folder("/")?, name)),
            Some((parent, name)) => Ok((self.folder(parent)?, name)),
            None => Err(Failed::because(format!("`{path}` is not an absolute path"))),
        }
    }

    fn look_up(&self, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(&self.root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
    }
}

/// Whether an opened place is a folder.
pub(super) fn is_folder(place: &OwnedFd) -> Result<bool, Failed> {
    let stat = rustix::fs::fstat(place).context(|| "cannot look at a place in the sandbox")?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
