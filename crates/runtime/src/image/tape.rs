//! Reads tar streams, entry by entry: ustar, GNU long names, PAX.
//!
//! The framing is ours because every number in it is an attacker's: extension headers are capped before
//! they are read, and PAX values may hold any byte. The fields of a header are decoded by the `tar` crate.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::caps::Caps;
use super::trouble::{bad, failed};
use crate::DriverError;

/// A tar stream; after [`Tape::next`] it reads as the body of that entry.
pub(super) struct Tape<R> {
    source: R,
    /// Bytes of the current body not read yet.
    left: u64,
    /// Bytes that fill up the body's last block.
    padding: u64,
    extension_bytes: u64,
}

/// What a header says about one entry. Names are bytes: nothing promises UTF-8.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime_s: i64,
    pub(super) mtime_nanos: u32,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What kind of thing an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its contents are the body.
    File,
    Folder,
    /// A symbolic link to this text.
    Symlink(Vec<u8>),
    /// Another name for this entry.
    HardLink(Vec<u8>),
    Fifo,
    /// A character or block device.
    Device,
    /// Something that says nothing about the file system, such as a volume label.
    Nothing,
}

/// What extension headers say about the entry after them.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<(i64, u32)>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

const BLOCK: u64 = 512;

impl<R: Read> Tape<R> {
    pub(super) fn new(source: R, caps: &Caps) -> Self {
        Self { source, left: 0, padding: 0, extension_bytes: caps.extension_bytes }
    }

    /// Goes on to the next entry, past what is left of the current one. `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, DriverError> {
        let mut extensions = Extensions::default();
        let mut budget = self.extension_bytes;
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = header.entry_size().map_err(|_| bad("a tar header has no valid size"))?;
            let kind = header.entry_type();
            let extension = match kind {
                EntryType::XGlobalHeader
                | EntryType::XHeader
                | EntryType::GNULongName
                | EntryType::GNULongLink => {
                    // Half a block each, so that no number of empty ones is free.
                    budget = budget
                        .checked_sub(size.saturating_add(BLOCK / 2))
                        .ok_or_else(|| bad("the extension headers of a tar entry are too long"))?;
                    self.begin_body(size);
                    let mut text = Vec::new();
                    self.read_to_end(&mut text).map_err(unreadable)?;
                    text
                }
                _ => return self.entry(&header, kind, size, extensions).map(Some),
            };
            match kind {
                EntryType::XHeader => extensions.read_pax(&extension)?,
                EntryType::GNULongName => extensions.path = Some(until_nul(&extension).to_vec()),
                EntryType::GNULongLink => extensions.link = Some(until_nul(&extension).to_vec()),
                // Global headers hold comments in practice, and Docker leaves them out as well.
                _ => {}
            }
        }
    }

    /// Reads whatever follows the end mark, so that a digest over the whole stream can be taken.
    pub(super) fn finish(mut self) -> Result<(), DriverError> {
        io::copy(&mut self.source, &mut io::sink()).map_err(unreadable)?;
        Ok(())
    }

    fn entry(
        &mut self,
        header: &Header,
        kind: EntryType,
        size: u64,
        extensions: Extensions,
    ) -> Result<Entry, DriverError> {
        let path = extensions.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = extensions.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        let unreadable_field =
            |_| bad(format!("the tar entry `{}` has no valid mode or owner", lossy(&path)));
        let mode = header.mode().map_err(unreadable_field)?;
        let (uid, gid) = (header.uid().map_err(unreadable_field)?, header.gid().map_err(unreadable_field)?);
        // A time out of reason is left out: it only decorates.
        let mtime_s =
            header.mtime().ok().and_then(|time| u32::try_from(time).ok()).unwrap_or_default().into();
        let link = move || link.unwrap_or_default();
        let kind = match kind {
            EntryType::GNUSparse => {
                return Err(bad(format!(
                    "the tar entry `{}` is sparse, which layers may not be",
                    lossy(&path)
                )));
            }
            EntryType::Regular | EntryType::Continuous if path.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink(link()),
            EntryType::Link => Kind::HardLink(link()),
            EntryType::Fifo => Kind::Fifo,
            EntryType::Char | EntryType::Block => Kind::Device,
            _ => Kind::Nothing,
        };
        // Only files and unknown things have bodies, whatever their size field says: as Docker reads it.
        self.begin_body(match kind {
            Kind::File | Kind::Nothing => extensions.size.unwrap_or(size),
            Kind::Folder | Kind::Symlink(_) | Kind::HardLink(_) | Kind::Fifo | Kind::Device => 0,
        });
        let (mtime_s, mtime_nanos) = extensions.mtime.unwrap_or((mtime_s, 0));
        let (uid, gid) = (extensions.uid.unwrap_or(uid), extensions.gid.unwrap_or(gid));
        Ok(Entry {
            path,
            kind,
            mode: mode & 0o7777,
            uid,
            gid,
            mtime_s,
            mtime_nanos,
            xattrs: extensions.xattrs,
        })
    }

    /// The next header; `None` at the end mark or the end of the stream.
    fn header(&mut self) -> Result<Option<Header>, DriverError> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(truncated()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        // The sum is taken with the field itself read as blanks.
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte }))
            .sum();
        match header.cksum() {
            Ok(said) if said == sum => Ok(Some(header)),
            Ok(_) | Err(_) => Err(bad("a tar header is damaged: its check sum is wrong")),
        }
    }

    fn begin_body(&mut self, size: u64) {
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK;
    }

    fn skip_rest(&mut self) -> Result<(), DriverError> {
        let rest = self.left.saturating_add(self.padding);
        let skipped = io::copy(&mut (&mut self.source).take(rest), &mut io::sink()).map_err(unreadable)?;
        // Some writers leave out the padding of the last entry together with the end mark.
        if skipped < self.left {
            return Err(truncated());
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }
}

impl<R: Read> Read for Tape<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else { return Ok(0) };
        let read = self.source.read(buffer)?;
        if read == 0 {
            return Err(super::trouble::carry(truncated()));
        }
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

impl Extensions {
    /// Reads PAX records, `length key=value\n` each (POSIX.1-2017, pax, "Extended Header").
    fn read_pax(&mut self, mut text: &[u8]) -> Result<(), DriverError> {
        while !text.is_empty() {
            let (key, value, rest) =
                pax_record(text).ok_or_else(|| bad("a tar entry has a damaged PAX header"))?;
            text = rest;
            let number = || std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok());
            let required = || number().ok_or_else(|| bad("a tar entry has a PAX header without a number"));
            match key {
                b"path" | b"linkpath" if value.contains(&0) => {
                    return Err(bad("a name in a tar entry holds a NUL"));
                }
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(required()?),
                b"uid" => self.uid = Some(required()?),
                b"gid" => self.gid = Some(required()?),
                b"mtime" => self.mtime = pax_time(value),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(bad("a tar entry is sparse, which layers may not be"));
                }
                _ => {
                    if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                        self.xattrs.push((name.to_vec(), value.to_vec()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Splits one record off: its key, its value and what follows.
fn pax_record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(text.get(..space)?).ok()?.parse().ok()?;
    let record = text.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((record.get(..equals)?, record.get(equals + 1..)?, text.get(length..)?))
}

/// `seconds[.fraction]`; a time before 1970 or out of reason is left out, as it only decorates.
fn pax_time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    Some((seconds.parse::<u32>().ok()?.into(), nanos.parse().ok()?))
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A name as people may see it, in messages; hostile ones can be long.
pub(super) fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(200).flat_map(char::escape_debug).collect()
}

fn truncated() -> DriverError {
    bad("a tar stream ends in the middle of an entry")
}

fn unreadable(error: io::Error) -> DriverError {
    failed("cannot read a tar stream", error)
}

#[cfg(test)]
mod tests;
