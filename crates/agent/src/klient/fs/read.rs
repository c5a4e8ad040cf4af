//! Reading files: whole, in blocks that the caller asks for, or in blocks that are sent to it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::StatusCode;

use super::trouble::{cannot, cannot_with, no_file, no_such_offset};
use crate::background::in_background;
use crate::problem::Problem;

/// Most bytes in one answer. In base64 it is 2.7 MiB, which a connection still takes as one message.
pub(super) const BLOCK_MAX: u64 = 2 << 20;
/// Bytes of one block that is sent by itself: two of them wait on a connection at most.
const SENT_BLOCK: u64 = 64 << 10;

/// A part of a file.
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// Bytes from the beginning.
    pub(super) offset: u64,
    /// Most bytes; `None` is all the rest.
    pub(super) size: Option<u64>,
}

/// Opens a file, and nothing else: a pipe would block, and opening a device may do something.
pub(in crate::klient) fn open(path: &Path) -> Result<File, Problem> {
    let fails = cannot_with("read", path);
    let metadata = std::fs::metadata(path).map_err(&fails)?;
    if metadata.is_dir() {
        return Err(Problem::is_folder("read", path.display()));
    }
    if !metadata.is_file() {
        return Err(no_file("read", path));
    }
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(&fails)?;
    // It may have become another thing since.
    if file.metadata().map_err(&fails)?.is_file() { Ok(file) } else { Err(no_file("read", path)) }
}

/// Reads a part of a file. Fewer bytes than asked for mean that the file ends there.
pub(super) fn read(part: &Part) -> Result<Vec<u8>, Problem> {
    let path = &part.path;
    if part.size.is_some_and(|size| size > BLOCK_MAX) {
        return Err(too_large(path, "the block is longer than an answer can be"));
    }
    let mut file = open(path)?;
    let length = file.metadata().map_err(cannot_with("read", path))?.len();
    if part.size.is_none() && length.saturating_sub(part.offset) > BLOCK_MAX {
        return Err(too_large(path, &format!("its {length} bytes are more than an answer can hold")));
    }
    // One more, because the kernel's own files say 0 and have content all the same.
    let content = read_block(path, &mut file, part.offset, part.size.unwrap_or(BLOCK_MAX + 1))?;
    if part.size.is_none() && content.len() as u64 > BLOCK_MAX {
        return Err(too_large(path, "it has more bytes than an answer can hold"));
    }
    Ok(content)
}

fn read_block(path: &Path, file: &mut File, offset: u64, size: u64) -> Result<Vec<u8>, Problem> {
    go_to("read", path, file, offset)?;
    let mut content = Vec::new();
    file.take(size).read_to_end(&mut content).map_err(cannot_with("read", path))?;
    Ok(content)
}

/// Goes to a place in a file, to `verb` there.
pub(super) fn go_to(verb: &'static str, path: &Path, file: &mut File, offset: u64) -> Result<(), Problem> {
    if offset == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::Start(offset)).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => no_such_offset(verb, path, offset),
        _ => cannot(verb, path, &error),
    })
}

fn too_large(path: &Path, why: &str) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("cannot read `{}` at once: {why}", path.display()),
        format!(
            "Read it in blocks with `offset` and a `blockSize` of at most {BLOCK_MAX}, \
             or give `onBlock`, which is called with one block after the other."
        ),
    )
}

/// A file that is read block by block, each when the one before was taken.
pub(super) struct Blocks {
    path: Arc<Path>,
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Blocks {
    pub(super) async fn open(part: Part) -> Result<Self, Problem> {
        let (path, offset, left) = (Arc::from(part.path), part.offset, part.size.unwrap_or(u64::MAX));
        let opened: Arc<Path> = Arc::clone(&path);
        let file = in_background(move || open(&opened)).await?;
        Ok(Self { path, file: Arc::new(file), offset, left })
    }

    /// The next block with its offset; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Problem> {
        let (path, file, offset) = (Arc::clone(&self.path), Arc::clone(&self.file), self.offset);
        let size = self.left.min(SENT_BLOCK);
        let content = in_background(move || {
            let mut file = file.try_clone().map_err(cannot_with("read", &path))?;
            read_block(&path, &mut file, offset, size)
        })
        .await?;
        let length = content.len() as u64;
        self.offset += length;
        self.left -= length;
        Ok((length > 0).then_some((offset, content)))
    }
}
