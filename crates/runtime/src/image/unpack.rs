//! Unpacks one layer into a folder that overlayfs can take as a lower layer.
//!
//! A layer comes from a stranger. What it may do and what not:
//!
//! - names lead nowhere but into the folder (see [`Tree`]); `..` in a name is refused, a leading `/` means
//!   the layer's root, links may point anywhere because they are only ever followed inside a sandbox;
//! - devices are left out and counted. Besides being of no use in a sandbox, a smuggled 0/0 device would
//!   be a whiteout;
//! - of extended attributes only `user.*` stays, without `user.overlay.*`, which would speak to overlayfs.
//!   File capabilities go. Set-user-ID bits stay: sandboxes mount with `nosuid`, and no other user of the
//!   machine can enter the image folder;
//! - owners are kept when we are root; else everything belongs to us and the sandbox maps it.
//!
//! Deletions are stored as overlayfs wants them, the same for both kinds of user: `.wh.x` becomes a 0/0
//! character device, which needs no privilege since Linux 5.8, and `.wh..wh..opq` the extended attribute
//! `overlay.opaque=y`, as `user.` for mounts with `userxattr` and, being root, as `trusted.` for others.
//! A mark hides only layers below, never an entry of its own layer (OCI image specification, "Layer
//! Filesystem Changeset"), in whichever order they come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, XattrFlags};
use rustix::io::Errno;

use super::attributes::{Attributes, Ownership, set_attributes, set_attributes_at, set_xattrs};
use super::caps::Caps;
use super::tape::{Entry, Kind, Tape, lossy};
use super::tree::{Made, Missing, Tree, is_folder, is_whiteout, split};
use super::trouble::{bad, failed};
use crate::DriverError;

/// What was unpacked, and what was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// Bytes of all files.
    pub(super) size_bytes: u64,
    /// Files, folders and links.
    pub(super) entries: u64,
    /// Devices left out.
    pub(super) devices: u64,
}

/// Unpacks everything on `tape` into `tree`. Asks `go_on` before each entry and between pieces of long
/// ones.
pub(super) fn unpack<R: Read>(
    tape: &mut Tape<R>,
    tree: Tree,
    ownership: Ownership,
    caps: &Caps,
    go_on: &dyn Fn() -> Result<(), DriverError>,
) -> Result<Unpacked, DriverError> {
    let mut unpacker = Unpacker {
        tree,
        ownership,
        caps: *caps,
        folders: BTreeMap::new(),
        folder_name_bytes: 0,
        done: Unpacked::default(),
    };
    unpacker.note_folder(b"", Attributes::DEFAULT_FOLDER)?;
    while let Some(entry) = tape.next()? {
        go_on()?;
        unpacker.apply(&entry, tape, go_on)?;
    }
    unpacker.finish()
}

struct Unpacker {
    tree: Tree,
    ownership: Ownership,
    caps: Caps,
    /// Attributes of folders, set at the end: until then we need to write in them, which also changes
    /// their times.
    folders: BTreeMap<Vec<u8>, Attributes>,
    folder_name_bytes: usize,
    done: Unpacked,
}

/// What marks deletions in layers.
const WHITEOUT: &[u8] = b".wh.";
/// What hides everything below in its folder.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Other marks of AUFS, which say nothing about the file system.
const AUFS: &[u8] = b".wh..wh.";

impl Unpacker {
    fn apply<R: Read>(
        &mut self,
        entry: &Entry,
        tape: &mut Tape<R>,
        go_on: &dyn Fn() -> Result<(), DriverError>,
    ) -> Result<(), DriverError> {
        self.done.entries += 1;
        if self.done.entries > self.caps.layer_entries {
            return Err(bad(format!("a layer has more than {} entries", self.caps.layer_entries)));
        }
        if entry.kind == Kind::Nothing {
            return Ok(());
        }
        let path = self.clean(&entry.path)?;
        let what = || format!("cannot unpack `{}`", lossy(&path));
        if path.is_empty() {
            return match entry.kind {
                Kind::Folder => self.note_folder(&path, Attributes::of(entry)),
                _ => Err(bad("a layer's root is not a folder")),
            };
        }
        let (parent, name) = split(&path);
        self.way_to(parent)?;
        if name == OPAQUE {
            return self.hide_below(parent).map_err(|error| failed(what(), error));
        }
        if name.starts_with(AUFS) {
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            if matches!(hidden, b"" | b"." | b"..") {
                return Err(bad(format!("`{}` marks nothing as deleted", lossy(&path))));
            }
            return self.white_out(parent, hidden).map_err(|error| failed(what(), error));
        }
        match &entry.kind {
            Kind::Folder => {
                let made = self.tree.make_folder(parent, name).map_err(|error| failed(what(), error))?;
                self.settle(&path, made).map_err(|error| failed(what(), error))?;
                self.note_folder(&path, Attributes::of(entry))?;
                let folder = self.tree.open_folder(&path).map_err(|error| failed(what(), error))?;
                set_xattrs(folder.as_fd(), entry);
                Ok(())
            }
            Kind::File => self.file(parent, name, entry, tape, go_on),
            Kind::HardLink(target) => self.hard_link(parent, name, target, &path),
            Kind::Symlink(target) => {
                if target.is_empty() || target.len() >= self.caps.path_bytes || target.contains(&0) {
                    return Err(bad(format!("the link `{}` points nowhere", lossy(&path))));
                }
                self.plain(parent, name, entry, |folder| fs::symlinkat(target.as_slice(), folder, name))
                    .map_err(|error| failed(what(), error))
            }
            Kind::Fifo => self
                .plain(parent, name, entry, |folder| fs::mknodat(folder, name, FileType::Fifo, Mode::RUSR, 0))
                .map_err(|error| failed(what(), error)),
            Kind::Device => {
                self.done.devices += 1;
                Ok(())
            }
            Kind::Nothing => Ok(()),
        }
    }

    /// Brings a name into the form `a/b/c`, empty for the root.
    fn clean(&self, name: &[u8]) -> Result<Vec<u8>, DriverError> {
        let mut path = Vec::with_capacity(name.len());
        for part in name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
            if part == b".." {
                return Err(bad(format!("the name `{}` leads out of the image", lossy(name))));
            }
            if part.len() > 255 || part.contains(&0) {
                return Err(bad(format!("the name `{}` is not one Linux takes", lossy(name))));
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        // One less for the NUL that C adds.
        if path.len() >= self.caps.path_bytes {
            return Err(bad(format!(
                "the name `{}…` is longer than {} bytes",
                lossy(name),
                self.caps.path_bytes
            )));
        }
        Ok(path)
    }

    /// Makes the folders an entry stands in, if the layer did not bring them itself.
    fn way_to(&mut self, folder: &[u8]) -> Result<(), DriverError> {
        let mut implied = Vec::new();
        self.tree.folder(folder, Missing::Make, |path, made| implied.push((path.to_vec(), made))).map_err(
            |error| match Errno::from_io_error(&error) {
                Some(Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => {
                    bad(format!("the folder `{}` of an entry is not a folder", lossy(folder)))
                }
                _ if error.kind() == io::ErrorKind::NotADirectory => {
                    bad(format!("the folder `{}` of an entry is not a folder", lossy(folder)))
                }
                _ => failed(format!("cannot make the folder `{}`", lossy(folder)), error),
            },
        )?;
        for (path, made) in implied {
            self.done.entries += 1;
            self.settle(&path, made)
                .map_err(|error| failed(format!("cannot mark `{}`", lossy(&path)), error))?;
            self.note_folder(&path, Attributes::DEFAULT_FOLDER)?;
        }
        Ok(())
    }

    fn note_folder(&mut self, path: &[u8], attributes: Attributes) -> Result<(), DriverError> {
        if self.folders.insert(path.to_vec(), attributes).is_none() {
            self.folder_name_bytes += path.len();
        }
        if self.folder_name_bytes > self.caps.folder_name_bytes {
            return Err(bad("the folder names of a layer are too many and too long"));
        }
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        parent: &[u8],
        name: &[u8],
        entry: &Entry,
        tape: &mut Tape<R>,
        go_on: &dyn Fn() -> Result<(), DriverError>,
    ) -> Result<(), DriverError> {
        let what = || format!("cannot unpack the file `{}`", lossy(&entry.path));
        let open = |tree: &mut Tree| -> io::Result<File> {
            tree.clear(parent, name)?;
            let folder = tree.folder(parent, Missing::Refuse, |_, _| ())?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?.into())
        };
        let mut file = open(&mut self.tree).map_err(|error| failed(what(), error))?;
        let mut buffer = vec![0; 128 << 10];
        loop {
            let read = tape.read(&mut buffer).map_err(|error| failed(what(), error))?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            file.write_all(piece).map_err(|error| failed(what(), error))?;
            self.done.size_bytes += u64::try_from(read).unwrap_or(u64::MAX);
            go_on()?;
        }
        set_xattrs(file.as_fd(), entry);
        set_attributes(file.as_fd(), Attributes::of(entry), self.ownership)
            .map_err(|error| failed(what(), error))
    }

    /// A link out of the layer cannot be said: the target is looked up inside like everything else, and
    /// the last component is linked as it is, even if it is a symbolic link.
    fn hard_link(
        &mut self,
        parent: &[u8],
        name: &[u8],
        target: &[u8],
        path: &[u8],
    ) -> Result<(), DriverError> {
        let no_target = || {
            bad(format!(
                "the hard link `{}` leads to `{}`, which the layer does not have",
                lossy(path),
                lossy(target)
            ))
        };
        let target = self.clean(target)?;
        let (target_parent, target_name) = split(&target);
        let found = match self.tree.look(target_parent, target_name) {
            Ok(Some(stat)) if !is_folder(&stat) && !is_whiteout(&stat) => stat,
            Ok(_) => return Err(no_target()),
            Err(error)
                if matches!(
                    Errno::from_io_error(&error),
                    Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
                ) =>
            {
                return Err(no_target());
            }
            Err(error) => return Err(failed(format!("cannot look at `{}`", lossy(&target)), error)),
        };
        let mut link = || -> io::Result<()> {
            let here = self.tree.look(parent, name)?;
            if here.is_some_and(|stat| (stat.st_dev, stat.st_ino) == (found.st_dev, found.st_ino)) {
                return Ok(());
            }
            self.tree.clear(parent, name)?;
            let from = self.tree.folder(target_parent, Missing::Refuse, |_, _| ())?.try_clone_to_owned()?;
            let to = self.tree.folder(parent, Missing::Refuse, |_, _| ())?;
            Ok(fs::linkat(from, target_name, to, name, AtFlags::empty())?)
        };
        link().map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => no_target(),
            _ => failed(format!("cannot make the hard link `{}`", lossy(path)), error),
        })
    }

    /// Puts something without contents in place.
    fn plain(
        &mut self,
        parent: &[u8],
        name: &[u8],
        entry: &Entry,
        make: impl Fn(BorrowedFd<'_>) -> rustix::io::Result<()>,
    ) -> io::Result<()> {
        self.tree.clear(parent, name)?;
        let folder = self.tree.folder(parent, Missing::Refuse, |_, _| ())?;
        make(folder)?;
        set_attributes_at(folder, name, entry, self.ownership)
    }

    /// Marks `name` as deleted, unless this layer has it too: then only what lies below is hidden.
    fn white_out(&mut self, parent: &[u8], name: &[u8]) -> io::Result<()> {
        match self.tree.look(parent, name)? {
            Some(stat) if is_folder(&stat) => {
                let path = if parent.is_empty() { name.to_vec() } else { [parent, name].join(&b'/') };
                self.hide_below(&path)
            }
            Some(_) => Ok(()),
            None => {
                let folder = self.tree.folder(parent, Missing::Refuse, |_, _| ())?;
                Ok(fs::mknodat(folder, name, FileType::CharacterDevice, Mode::empty(), 0)?)
            }
        }
    }

    /// A folder in a whiteout's place must go on hiding what the whiteout hid.
    fn settle(&mut self, path: &[u8], made: Made) -> io::Result<()> {
        match made {
            Made::OverWhiteout => self.hide_below(path),
            Made::New | Made::Existed => Ok(()),
        }
    }

    fn hide_below(&mut self, folder: &[u8]) -> io::Result<()> {
        // Through a link if need be, as entries in that folder are.
        let handle = self.tree.folder(folder, Missing::Refuse, |_, _| ())?;
        let handle =
            fs::openat(handle, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        fs::fsetxattr(&handle, "user.overlay.opaque", b"y", XattrFlags::empty())?;
        if self.ownership == Ownership::Kept {
            fs::fsetxattr(&handle, "trusted.overlay.opaque", b"y", XattrFlags::empty())?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Unpacked, DriverError> {
        // Children sort after their folders; backwards, no folder is closed before those inside it.
        for (path, attributes) in self.folders.iter().rev() {
            let folder = match self.tree.open_folder(path) {
                Ok(folder) => folder,
                // Replaced by something else later in the layer.
                Err(error)
                    if matches!(
                        Errno::from_io_error(&error),
                        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(failed(format!("cannot open `{}`", lossy(path)), error)),
            };
            set_attributes(folder.as_fd(), *attributes, self.ownership)
                .map_err(|error| failed(format!("cannot set the attributes of `{}`", lossy(path)), error))?;
        }
        Ok(self.done)
    }
}

#[cfg(test)]
mod tests;
