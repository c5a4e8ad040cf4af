//! The files of an archive or folder that holds images, by name.
//!
//! An archive cannot be read twice, so its files are laid down in a staging folder under numbers. Their
//! names never reach the file system; links in the archive are followed in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::caps::Caps;
use super::inflate::inflate;
use super::staging::Staging;
use super::tape::{Kind, Tape};
use super::trouble::{bad, failed};
use crate::DriverError;

/// Files by name.
pub(super) enum Parcel {
    /// Unpacked from an archive.
    Spooled { files: HashMap<String, Spooled>, staging: Staging },
    /// A folder of the machine.
    Folder(File),
}

/// What an archive has under a name.
pub(super) enum Spooled {
    /// A file, laid down under this number.
    File(u64),
    /// Another name.
    Link(String),
}

/// Names in one archive. An image has a few files per layer; this allows for hundreds of images.
const MOST_FILES: usize = 100_000;
/// Links from one name to the next.
const MOST_LINKS: usize = 16;

impl Parcel {
    /// Lays an archive down, compressed or not.
    pub(super) fn spool(
        reader: impl Read + Send,
        staging: Staging,
        caps: &Caps,
        go_on: &dyn Fn() -> Result<(), DriverError>,
    ) -> Result<Self, DriverError> {
        let unreadable = |error| failed("cannot read the archive", error);
        let mut files = HashMap::new();
        let mut input = inflate(reader).map_err(unreadable)?;
        let mut tape = Tape::new(&mut input, caps);
        let mut room = caps.blob_bytes;
        let mut number = 0_u64;
        while let Some(entry) = tape.next()? {
            go_on()?;
            if files.len() >= MOST_FILES {
                return Err(bad(format!("the archive has more than {MOST_FILES} files")));
            }
            let name = clean(&entry.path);
            let spooled = match entry.kind {
                Kind::File => {
                    number += 1;
                    let written = lay_down(&mut tape, &staging.path().join(number.to_string()), room, go_on)?;
                    room = room.saturating_sub(written);
                    Spooled::File(number)
                }
                Kind::HardLink(target) => Spooled::Link(clean(&target)),
                // Relative to where it stands, as `docker save` links a layer it has twice.
                Kind::Symlink(target) => Spooled::Link(beside(&name, &String::from_utf8_lossy(&target))),
                Kind::Folder | Kind::Fifo | Kind::Device | Kind::Nothing => continue,
            };
            files.insert(name, spooled);
        }
        Ok(Self::Spooled { files, staging })
    }

    /// Takes a folder as it is. Links in it are followed only inside.
    pub(super) fn folder(path: &Path) -> Result<Self, DriverError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty());
        let folder =
            folder.map_err(|error| failed(format!("cannot open `{}`", path.display()), error.into()))?;
        Ok(Self::Folder(folder.into()))
    }

    /// Opens a file by its name; `None` if there is none.
    pub(super) fn open(&self, name: &str) -> Result<Option<File>, DriverError> {
        let opened = match self {
            Self::Spooled { files, staging } => match number(files, name) {
                Some(number) => File::open(staging.path().join(number.to_string())),
                None => return Ok(None),
            },
            Self::Folder(folder) => open_inside(folder, name),
        };
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(format!("cannot open `{name}`"), error)),
        }
    }

    /// Reads a small file whole.
    pub(super) fn read(&self, name: &str, caps: &Caps) -> Result<Option<Vec<u8>>, DriverError> {
        let Some(file) = self.open(name)? else { return Ok(None) };
        let mut text = Vec::new();
        file.take(caps.document_bytes + 1)
            .read_to_end(&mut text)
            .map_err(|error| failed(format!("cannot read `{name}`"), error))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > caps.document_bytes {
            return Err(bad(format!("`{name}` is larger than {} bytes", caps.document_bytes)));
        }
        Ok(Some(text))
    }
}

fn number(files: &HashMap<String, Spooled>, name: &str) -> Option<u64> {
    let mut name = name;
    for _ in 0..MOST_LINKS {
        match files.get(name)? {
            Spooled::File(number) => return Some(*number),
            Spooled::Link(target) => name = target,
        }
    }
    None
}

/// Writes the current entry to a file of ours.
fn lay_down<R: Read>(
    tape: &mut Tape<R>,
    path: &Path,
    room: u64,
    go_on: &dyn Fn() -> Result<(), DriverError>,
) -> Result<u64, DriverError> {
    let unwritten = |error| failed("cannot lay the archive down", error);
    let mut file = File::create_new(path).map_err(unwritten)?;
    let mut written = 0;
    loop {
        go_on()?;
        let copied = io::copy(&mut tape.take(8 << 20), &mut file).map_err(unwritten)?;
        written += copied;
        if copied == 0 {
            return Ok(written);
        }
        if written > room {
            return Err(bad("the archive is larger than any image may be"));
        }
    }
}

fn open_inside(folder: &File, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file: File = rustix::fs::openat2(folder, name, flags, Mode::empty(), resolve)?.into();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

/// `./a//b/../c` is `a/c`. Only ever a key.
fn clean(name: &[u8]) -> String {
    beside("", &String::from_utf8_lossy(name))
}

/// The name `target` has, said from where `name` stands.
fn beside(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
