//! A folder nothing gets out of: every path below it is looked up by the kernel as if it were `/`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::tape::lossy;
use super::trouble::{bad, carry, failed};
use crate::DriverError;

/// A folder being filled from a hostile source.
///
/// Paths are resolved by `openat2` with `RESOLVE_IN_ROOT`: symbolic links inside are followed, absolute
/// ones and `..` too, but all of them end inside, as in a `chroot`. The last component of a path is never
/// followed. What is replaced goes to a trash folder beside, in one step however deep it is.
pub(super) struct Tree {
    root: OwnedFd,
    trash: OwnedFd,
    /// How many things went to the trash; names them there.
    trashed: u64,
    /// The folder used last and its path: archives come folder by folder.
    last: Option<(Vec<u8>, OwnedFd)>,
}

/// What to do with a folder on the way that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Make it.
    Make,
    /// Say so.
    Refuse,
}

/// What became of a wish for a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It was there.
    Existed,
    /// It is new.
    New,
    /// It is new and stands where a whiteout stood.
    OverWhiteout,
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Tree {
    /// `root` and `trash` must be empty folders of one file system.
    pub(super) fn open(root: &Path, trash: &Path) -> Result<Self, DriverError> {
        let open = |path: &Path| {
            fs::open(path, FOLDER, Mode::empty())
                .map_err(|error| failed(format!("cannot open `{}`", path.display()), error.into()))
        };
        Ok(Self { root: open(root)?, trash: open(trash)?, trashed: 0, last: None })
    }

    /// Opens the folder `path` for work in it; calls `made` with each folder that had to be made.
    pub(super) fn folder(
        &mut self,
        path: &[u8],
        missing: Missing,
        mut made: impl FnMut(&[u8], Made),
    ) -> io::Result<BorrowedFd<'_>> {
        if self.last.as_ref().is_none_or(|(last, _)| last != path) {
            let opened = match self.resolve(path, FOLDER) {
                Err(Errno::NOENT | Errno::NOTDIR) if missing == Missing::Make => {
                    self.make_way(path, &mut made)?;
                    self.resolve(path, FOLDER)?
                }
                other => other?,
            };
            self.last = Some((path.to_vec(), opened));
        }
        match &self.last {
            Some((_, folder)) => Ok(folder.as_fd()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Opens `path` to look at it or set its attributes, without following it.
    pub(super) fn open_folder(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(self.resolve(path, flags)?)
    }

    /// Makes the folder `name` in the folder `parent` unless it is there. Anything else in its place goes.
    pub(super) fn make_folder(&mut self, parent: &[u8], name: &[u8]) -> io::Result<Made> {
        let mut made = Made::New;
        match self.look(parent, name)? {
            Some(stat) if is_folder(&stat) => return Ok(Made::Existed),
            Some(stat) => {
                if is_whiteout(&stat) {
                    made = Made::OverWhiteout;
                }
                self.clear(parent, name)?;
            }
            None => {}
        }
        let folder = self.folder(parent, Missing::Refuse, |_, _| ())?;
        fs::mkdirat(folder, name, Mode::RWXU)?;
        Ok(made)
    }

    /// What is called `name` in the folder `parent`, if anything is.
    pub(super) fn look(&mut self, parent: &[u8], name: &[u8]) -> io::Result<Option<Stat>> {
        let folder = self.folder(parent, Missing::Refuse, |_, _| ())?;
        match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes sure that nothing is called `name` in the folder `parent`. An entry that stands where the link
    /// or folder stood through which it was reached has no place any more, and its image is bad.
    pub(super) fn clear(&mut self, parent: &[u8], name: &[u8]) -> io::Result<()> {
        let Some(stat) = self.look(parent, name)? else { return Ok(()) };
        self.trashed += 1;
        let grave = self.trashed.to_string();
        let trash = self.trash.try_clone()?;
        let folder = self.folder(parent, Missing::Refuse, |_, _| ())?;
        if is_folder(&stat) {
            fs::renameat(folder, name, trash, grave)?;
        } else {
            fs::unlinkat(folder, name, AtFlags::empty())?;
        }
        // Paths that led through it may lead elsewhere now.
        self.last = match self.resolve(parent, FOLDER) {
            Ok(folder) => Some((parent.to_vec(), folder)),
            Err(Errno::NOENT | Errno::NOTDIR) => {
                let (name, parent) = (lossy(name), lossy(parent));
                return Err(carry(bad(format!("the entry `{name}` in `{parent}` replaces its own folder"))));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    /// Makes every folder on the way to `path` that is missing. A whiteout on the way gives way; a file
    /// or a link to nowhere does not.
    fn make_way(&mut self, path: &[u8], made: &mut impl FnMut(&[u8], Made)) -> io::Result<()> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            let (parent, name) = split(path.get(..end).unwrap_or_default());
            match self.resolve(path.get(..end).unwrap_or_default(), FOLDER) {
                Ok(_) => continue,
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.look(parent, name)?.is_some_and(|stat| !is_whiteout(&stat)) {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            let how = self.make_folder(parent, name)?;
            made(path.get(..end).unwrap_or_default(), how);
        }
        Ok(())
    }

    fn resolve(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        // The kernel says EAGAIN when something on the way was renamed meanwhile.
        for _ in 0..16 {
            match fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }
}

/// The folder part of a path, empty for the root, and its last component.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default()),
        None => (b"", path),
    }
}

pub(super) fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// Overlayfs's mark for "nothing here, whatever is below": a character device with the number 0/0.
pub(super) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}
