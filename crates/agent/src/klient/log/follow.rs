//! Reading a file that grows: from its last lines on, across being cut short and being replaced.
//!
//! Looks instead of being told: that works on every file system, and a log is looked at by few. A file that
//! was cut short and has grown beyond where we were between two looks is not told from one that just grew.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines::Lines;
use crate::klient::fs::read;
use crate::klient::fs::trouble::cannot_with;
use crate::problem::Problem;

/// Bytes read at once.
const BLOCK: usize = 64 << 10;
/// Most bytes that are searched for the beginning of the last lines. Of longer ones fewer are shown.
const BACKLOG_MAX: u64 = 64 << 20;

/// A file that is followed.
pub(super) struct Follow(Arc<Mutex<Place>>);

/// What came since the last look.
pub(super) struct Progress {
    pub(super) lines: Vec<String>,
    /// Whether there is nothing more for now.
    pub(super) at_end: bool,
}

/// Where in which file.
struct Place {
    path: PathBuf,
    file: File,
    /// Bytes from its beginning.
    offset: u64,
    lines: Lines,
}

/// What reads on, at a thread that may wait for a disk.
pub(super) struct Reader(Arc<Mutex<Place>>);

impl Follow {
    /// Opens a file at the beginning of its last lines.
    pub(super) fn open(path: &Path, backlog: u64) -> Result<Self, Problem> {
        let file = read::open(path)?;
        let length = file.metadata().map_err(cannot_with("read", path))?.len();
        let offset = last_lines(&file, length, backlog).map_err(cannot_with("read", path))?;
        let place = Place { path: path.to_owned(), file, offset, lines: Lines::default() };
        Ok(Self(Arc::new(Mutex::new(place))))
    }

    pub(super) fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.0))
    }
}

impl Reader {
    /// Reads one block on. What cannot be read for now, such as on a disk that is away, has no lines.
    pub(super) fn advance(self) -> Progress {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.advance().unwrap_or(Progress { lines: vec![], at_end: true })
    }
}

impl Place {
    fn advance(&mut self) -> io::Result<Progress> {
        let mut lines = self.read_block()?;
        let mut at_end = false;
        if lines.is_none() {
            // Looked at before the last read of the old file, so that none of its lines is missed.
            if let Some(successor) = self.successor() {
                lines = self.read_block()?;
                if lines.is_none() {
                    lines = Some(Vec::from_iter(self.lines.end()));
                    self.file = successor;
                    self.offset = 0;
                }
            } else if self.file.metadata()?.len() < self.offset {
                lines = Some(Vec::from_iter(self.lines.end()));
                self.offset = 0;
            } else {
                at_end = true;
            }
        }
        Ok(Progress { lines: lines.unwrap_or_default(), at_end })
    }

    /// The lines of the next block; `None` at the end of the file.
    fn read_block(&mut self) -> io::Result<Option<Vec<String>>> {
        let mut block = vec![0; BLOCK];
        let length = self.file.read_at(&mut block, self.offset)?;
        self.offset += length as u64;
        Ok((length > 0).then(|| self.lines.take(block.get(..length).unwrap_or_default())))
    }

    /// Another file that has the name now.
    fn successor(&self) -> Option<File> {
        let (ours, theirs) = (self.file.metadata().ok()?, std::fs::metadata(&self.path).ok()?);
        if (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
            return None;
        }
        read::open(&self.path).ok()
    }
}

/// Where the last lines begin. A last line that is not complete is one of them.
fn last_lines(file: &File, length: u64, count: u64) -> io::Result<u64> {
    // With no backlog what comes begins with what is missing of the last line.
    if count == 0 {
        return Ok(length);
    }
    let mut left = count;
    let mut end = length;
    let mut earliest = None;
    let mut block = vec![0; BLOCK];
    while end > 0 && length - end < BACKLOG_MAX {
        let begin = end.saturating_sub(BLOCK as u64);
        let Some(block) = block.get_mut(..usize::try_from(end - begin).unwrap_or(BLOCK)) else { break };
        match file.read_exact_at(block, begin) {
            // It has become shorter meanwhile: from the beginning of what there is.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
            read => read?,
        }
        for (at, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let next = begin + at as u64 + 1;
            // The newline of the last line ends it, and begins none.
            if next == length {
                continue;
            }
            left -= 1;
            earliest = Some(next);
            if left == 0 {
                return Ok(next);
            }
        }
        end = begin;
    }
    Ok(if end == 0 { 0 } else { earliest.unwrap_or(end) })
}

#[cfg(test)]
mod tests;
