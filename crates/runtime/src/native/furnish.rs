//! The few files of its own that a sandbox has from the start: its names, its user, where things mount.
//!
//! Written to the upper layer at creation, before anything of the sandbox ever ran.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

use super::carrier::NAME_SERVER;
use super::disk::{Spec, make_folder};
use super::failed::{Context, Failed};
use super::plan::{Ids, USER};

/// The user's home.
pub(super) const HOME: &str = "/home/hearth";
/// Folders that must exist to be mounted on.
const MOUNT_POINTS: [&str; 6] = ["proc", "sys", "dev", "tmp", "run", ".hearth"];
/// A passwd file larger than this is somebody's joke.
const LARGEST_PASSWD: u64 = 1 << 20;

/// Writes the sandbox's own files. What stands on a snapshot has all but its names from there.
pub(super) fn own_files(upper: &Path, spec: &Spec, lowers: &[PathBuf]) -> Result<(), Failed> {
    let writer = Writer { root: upper, ids: spec.ids };
    writer.folder("etc", 0)?;
    writer.file("etc/hostname", &format!("{}\n", spec.hostname))?;
    writer.file("etc/hosts", &hosts(&spec.hostname))?;
    if spec.base.is_some() || spec.image.is_none() {
        return Ok(());
    }
    for name in MOUNT_POINTS {
        writer.folder(name, 0)?;
    }
    writer.folder("home", 0)?;
    writer.folder("home/hearth", USER)?;
    writer.folder("workspace", USER)?;
    writer.file("etc/resolv.conf", &resolv_conf())?;
    let shell = if find(lowers, "bin/bash").is_some() { "/bin/bash" } else { "/bin/sh" };
    let passwd = find(lowers, "etc/passwd").unwrap_or_default();
    writer.file("etc/passwd", &with_user(&passwd, &passwd_line(shell)))?;
    let group = find(lowers, "etc/group").unwrap_or_default();
    writer.file("etc/group", &with_user(&group, &group_line()))
}

/// Makes a file or folder belong to an id of the disk; `None` leaves it to whoever made it.
pub(super) fn give(path: &Path, owner: Option<u32>) -> Result<(), Failed> {
    let Some(owner) = owner else { return Ok(()) };
    std::os::unix::fs::lchown(path, Some(owner), Some(owner))
        .context(|| format!("cannot give `{}` to {owner}", path.display()))
}

/// The line of the sandbox's user in `/etc/passwd`.
pub(super) fn passwd_line(shell: &str) -> String {
    format!("hearth:x:{USER}:{USER}:Hearth:{HOME}:{shell}")
}

/// The line of the sandbox's group in `/etc/group`.
pub(super) fn group_line() -> String {
    format!("hearth:x:{USER}:")
}

/// What leads to the carrier's name server.
pub(super) fn resolv_conf() -> String {
    format!("nameserver {NAME_SERVER}\noptions edns0 trust-ad\n")
}

fn hosts(hostname: &str) -> String {
    format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {hostname}\n")
}

/// The file with exactly one user of our name and id, and everybody else as they were.
fn with_user(text: &str, line: &str) -> String {
    let mut all = String::with_capacity(text.len() + line.len() + 1);
    let id = USER.to_string();
    for other in text.lines() {
        let mut fields = other.split(':');
        let ours = fields.next() == Some("hearth") || fields.nth(1) == Some(&*id);
        if !ours {
            all.push_str(other);
            all.push('\n');
        }
    }
    all + line + "\n"
}

/// A file as the topmost layer that has it has it. Links are followed inside their layer only.
fn find(lowers: &[PathBuf], path: &str) -> Option<String> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    for layer in lowers.iter().rev() {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(layer, folder, Mode::empty()).ok()?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) else { continue };
        let stat = rustix::fs::fstat(&file).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            // A whiteout: the layers below do not count.
            return None;
        }
        let mut bytes = Vec::new();
        fs::File::from(file).take(LARGEST_PASSWD).read_to_end(&mut bytes).ok()?;
        return Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    None
}

struct Writer<'a> {
    root: &'a Path,
    ids: Ids,
}

impl Writer<'_> {
    fn folder(&self, path: &str, owner: u32) -> Result<(), Failed> {
        let path = self.root.join(path);
        make_folder(&path, 0o755)?;
        give(&path, self.ids.on_disk(owner))
    }

    fn file(&self, path: &str, text: &str) -> Result<(), Failed> {
        let path = self.root.join(path);
        let what = || format!("cannot write `{}`", path.display());
        fs::write(&path, text).context(what)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).context(what)?;
        give(&path, self.ids.on_disk(0))
    }
}
