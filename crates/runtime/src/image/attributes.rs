//! Owners, modes, times and extended attributes of what is unpacked.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{self, AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};

use super::tape::{Entry, Kind};
use super::trouble::{bad, carry};

/// Whom unpacked files belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    /// Whom the layer says; takes root.
    Kept,
    /// Us.
    Ours,
}

impl Ownership {
    /// What this process can do.
    pub(super) fn of_this_process() -> Self {
        if rustix::process::geteuid().is_root() { Self::Kept } else { Self::Ours }
    }
}

/// What an entry says about itself besides its contents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    mode: u32,
    uid: u64,
    gid: u64,
    /// Left as it is when absent.
    mtime: Option<Timespec>,
}

impl Attributes {
    /// Of folders that no entry describes. Docker makes them the same.
    pub(super) const DEFAULT_FOLDER: Self = Self { mode: 0o755, uid: 0, gid: 0, mtime: None };

    pub(super) fn of(entry: &Entry) -> Self {
        let mtime = Some(Timespec { tv_sec: entry.mtime_s, tv_nsec: entry.mtime_nanos.into() });
        Self { mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime }
    }
}

/// Owner before mode, because a change of owner takes set-user-ID bits away.
pub(super) fn set_attributes(
    file: BorrowedFd<'_>,
    attributes: Attributes,
    ownership: Ownership,
) -> io::Result<()> {
    if ownership == Ownership::Kept {
        fs::fchown(file, Some(uid(attributes)?), Some(gid(attributes)?))?;
    }
    fs::fchmod(file, Mode::from_raw_mode(attributes.mode))?;
    if let Some(times) = times(attributes) {
        fs::futimens(file, &times)?;
    }
    Ok(())
}

/// The same for what cannot be opened: links, and pipes, which would wait for somebody at the other end.
pub(super) fn set_attributes_at(
    folder: BorrowedFd<'_>,
    name: &[u8],
    entry: &Entry,
    ownership: Ownership,
) -> io::Result<()> {
    let attributes = Attributes::of(entry);
    if ownership == Ownership::Kept {
        let (uid, gid) = (uid(attributes)?, gid(attributes)?);
        fs::chownat(folder, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    // Links have no mode.
    if matches!(entry.kind, Kind::Fifo) {
        fs::chmodat(folder, name, Mode::from_raw_mode(attributes.mode), AtFlags::empty())?;
    }
    if let Some(times) = times(attributes) {
        fs::utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

fn times(attributes: Attributes) -> Option<Timestamps> {
    attributes.mtime.map(|mtime| Timestamps { last_access: mtime, last_modification: mtime })
}

fn uid(attributes: Attributes) -> io::Result<Uid> {
    owner(attributes.uid).map(Uid::from_raw)
}

fn gid(attributes: Attributes) -> io::Result<Gid> {
    owner(attributes.gid).map(Gid::from_raw)
}

/// The all-ones id means "leave as it is" to the kernel and belongs to nobody.
fn owner(id: u64) -> io::Result<u32> {
    u32::try_from(id)
        .ok()
        .filter(|id| *id != u32::MAX)
        .ok_or_else(|| carry(bad(format!("a layer has files of the impossible user or group {id}"))))
}

/// Keeps harmless attributes. They are decoration: a file system that cannot hold one goes without.
pub(super) fn set_xattrs(file: BorrowedFd<'_>, entry: &Entry) {
    for (name, value) in &entry.xattrs {
        if name.starts_with(b"user.") && !name.starts_with(b"user.overlay.") {
            let _lost = fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty());
        }
    }
}
