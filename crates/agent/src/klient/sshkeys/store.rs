//! `~/.ssh/authorized_keys` of a user: read whole, replaced in one step, everything foreign in it kept.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, fchmod, fchown, mkdirat, open, openat, statat};
use rustix::io::Errno;

use super::super::accounts::Account;
use crate::part_file::{Draft, Openness};

/// Longest file: some three thousand keys.
const FILE_MAX: u64 = 1 << 20;
/// The folder is the user's alone, or sshd ignores what is in it.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);
const FILE_MODE: Mode = Mode::from_raw_mode(0o600);

/// The open folder of a user's keys.
pub(super) struct Store {
    folder: OwnedFd,
    name: OsString,
    owner: (Uid, Gid),
    is_own: bool,
    /// Whether it is called `.ssh`, rather than being where a link led.
    is_in_place: bool,
}

impl Store {
    /// Opens the folder; `None` if there is none.
    ///
    /// In one's own home, links are followed: some keep `.ssh` with their other settings. In that of somebody
    /// else, which only root gets to, they are not, because they would lead root where their owner likes.
    pub(super) fn open(account: &Account, is_own: bool) -> io::Result<Option<Self>> {
        match Self::open_now(account, is_own) {
            Ok(store) => Ok(Some(store)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the folder and makes it where it is missing.
    pub(super) fn make(account: &Account, is_own: bool) -> io::Result<Self> {
        if let Some(store) = Self::open(account, is_own)? {
            if store.is_in_place {
                fchmod(&store.folder, FOLDER_MODE)?;
            }
            return Ok(store);
        }
        let home = open_folder(&account.home, follow(is_own))?;
        mkdirat(&home, ".ssh", FOLDER_MODE)?;
        let store = Self::open_now(account, is_own)?;
        fchmod(&store.folder, FOLDER_MODE)?;
        if !is_own {
            fchown(&store.folder, Some(store.owner.0), Some(store.owner.1))?;
        }
        Ok(store)
    }

    fn open_now(account: &Account, is_own: bool) -> io::Result<Self> {
        let (folder, name, is_in_place) = if is_own {
            let path = account.home.join(".ssh/authorized_keys");
            // A link that leads nowhere yet is replaced; any other stays, and what it leads to is written.
            let path = std::fs::canonicalize(&path).unwrap_or(path);
            let folder = path.parent().unwrap_or(Path::new("/"));
            let name = path.file_name().unwrap_or_default().to_owned();
            (open_folder(folder, OFlags::empty())?, name, folder.ends_with(".ssh"))
        } else {
            let home = open_folder(&account.home, OFlags::NOFOLLOW)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            (openat(&home, ".ssh", flags, Mode::empty())?, "authorized_keys".into(), true)
        };
        let owner = (Uid::from_raw(account.user), Gid::from_raw(account.group));
        Ok(Self { folder, name, owner, is_own, is_in_place })
    }

    /// The lines of the file, without their ends; none if there is no file.
    pub(super) fn read(&self) -> io::Result<Vec<Vec<u8>>> {
        // Not blocking: whatever lies there, opening it must not wait for anybody.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = match openat(&self.folder, &*self.name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(vec![]),
            Err(Errno::LOOP) if self.is_own && self.leads_nowhere() => return Ok(vec![]),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let mut bytes = vec![];
        file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_MAX) {
            return Err(too_long());
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if text.is_empty() {
            return Ok(vec![]);
        }
        Ok(text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
    }

    /// Whether the file is a link to something that is not there, and may be replaced.
    fn leads_nowhere(&self) -> bool {
        matches!(statat(&self.folder, &*self.name, AtFlags::empty()), Err(Errno::NOENT | Errno::LOOP))
    }

    /// Replaces the file by these lines, or changes nothing at all. `name` is the draft's.
    pub(super) fn write(&self, lines: &[Vec<u8>], name: String) -> io::Result<()> {
        let mut bytes = lines.join(&b'\n');
        if !lines.is_empty() {
            bytes.push(b'\n');
        }
        // Nobody could read or change it any more.
        if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_MAX) {
            return Err(too_long());
        }
        let draft = Draft::within(self.folder.try_clone()?, name, Openness::Own)?;
        if !self.is_own {
            fchown(draft.file(), Some(self.owner.0), Some(self.owner.1))?;
        }
        // Whatever the umask made of it.
        fchmod(draft.file(), FILE_MODE)?;
        draft.file().write_all(&bytes)?;
        draft.replace(&self.name)
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "longer than 1 MiB is not handled here")
}

fn open_folder(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}

fn follow(is_own: bool) -> OFlags {
    if is_own { OFlags::empty() } else { OFlags::NOFOLLOW }
}

#[cfg(test)]
mod tests;
