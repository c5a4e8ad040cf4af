//! Files that are being written: they lie beside the file they will become, and nobody else's are called so.
//!
//! All that the agent writes for the people of a workspace and that must never be seen half goes through
//! [`Draft`]; a watch tells nobody of a name that [`is_one`].

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::Entropy;
use rustix::fs::{AtFlags, Mode, OFlags, linkat, open, openat, renameat, unlinkat};

const HEAD: &str = ".hearth-";
const TAIL: &str = ".part";
/// Hex digits between them.
const DIGITS: usize = 16;

/// A name for a file that is being written.
pub(crate) fn name(entropy: &dyn Entropy) -> String {
    let mut random = [0; 8];
    entropy.fill(&mut random);
    format!("{HEAD}{:016x}{TAIL}", u64::from_ne_bytes(random))
}

/// Whether the name is of a file that is being written.
pub(crate) fn is_one(name: &OsStr) -> bool {
    let digits = name.to_str().and_then(|name| name.strip_prefix(HEAD)?.strip_suffix(TAIL));
    digits
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Who may open a draft, until it is given other permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openness {
    /// Nobody but whoever writes it: it will be what only some may read.
    Own,
    /// Whoever may open any new file.
    Usual,
}

/// A file under a name of its own, open for writing. It is removed when it is dropped, unless it was given its
/// place.
pub(crate) struct Draft {
    folder: OwnedFd,
    name: String,
    file: File,
}

impl Draft {
    /// Makes one in the folder of `path`. `name` is of [`name`].
    pub(crate) fn beside(path: &Path, name: String, openness: Openness) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(path);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self::within(open(folder, flags, Mode::empty())?, name, openness)
    }

    /// Makes one in an open folder.
    pub(crate) fn within(folder: OwnedFd, name: String, openness: Openness) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = match openness {
            Openness::Own => 0o600,
            Openness::Usual => 0o666,
        };
        let file = openat(&folder, &*name, flags, Mode::from_raw_mode(mode))?.into();
        Ok(Self { folder, name, file })
    }

    /// Where to write.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Puts it in the place of whatever has this name in its folder, in one step.
    pub(crate) fn replace(self, name: &OsStr) -> io::Result<()> {
        self.sync()?;
        Ok(renameat(&self.folder, &*self.name, &self.folder, name)?)
    }

    /// Gives it this name in its folder, which nothing may have yet.
    pub(crate) fn appear(self, name: &OsStr) -> io::Result<()> {
        self.sync()?;
        // A rename would replace what is there.
        Ok(linkat(&self.folder, &*self.name, &self.folder, name, AtFlags::empty())?)
    }

    /// Without this a power cut could leave an empty file under the name.
    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing here, which is as it should be; what stays behind hurts nobody.
        let _ = unlinkat(&self.folder, &*self.name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests;
