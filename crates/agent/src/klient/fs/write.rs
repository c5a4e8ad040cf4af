//! Writing files: whole, at the end, or in the middle.
//!
//! A file is written whole beside its place and then put there in one step, so that nobody ever sees half
//! of it. Writes to one file come one after the other, so that of two callers who both say which content
//! they saw last only one gets through.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use axum::body::Body;
use domain::Entropy;
use http::StatusCode;
use md5::{Digest, Md5};
use tokio::sync::{Mutex, MutexGuard};

use super::entry::is_missing;
use super::work::{cannot, cannot_with, in_background, no_file};
use crate::files;
use crate::part_file;
use crate::problem::Problem;

/// Longest file whose content is compared before a write.
const COMPARED_MAX: u64 = 50 << 20;
/// Locks that all files share. Two files that share one merely wait for each other.
const LOCKS: usize = 16;

/// What is to be written.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    pub(super) place: Place,
    /// Whether a file may be there already.
    pub(super) existing: Existing,
    /// MD5, in hex, of the content that the caller saw last.
    pub(super) last_hash: Option<String>,
}

/// Where in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// All of it.
    Whole,
    End,
    /// So many bytes from the beginning; what lies behind stays.
    At(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Written,
    Refused,
}

/// Takes care that writes to one file come one after the other.
pub(super) struct Writer {
    locks: [Mutex<()>; LOCKS],
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { locks: std::array::from_fn(|_| Mutex::new(())) }
    }

    async fn turn(&self, path: &Path) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        Some(self.locks.get(index)?.lock().await)
    }

    /// Writes, and says how many bytes.
    pub(super) async fn write(&self, draft: Draft, entropy: &dyn Entropy) -> Result<usize, Problem> {
        let length = draft.content.len();
        let given = draft.path.clone();
        // What a link leads to is written, by whatever name it is called.
        let path = in_background(move || Ok(std::fs::canonicalize(&given).unwrap_or(given))).await?;
        let _turn = self.turn(&path).await;
        let draft = Draft { path, ..draft };
        if draft.place == Place::Whole && draft.existing == Existing::Written {
            let Draft { path, content, last_hash, .. } = draft;
            let checked = path.clone();
            in_background(move || check(&checked, last_hash.as_deref())).await?;
            files::write(path, Body::from(content), entropy).await?;
        } else {
            let mut random = [0; 8];
            entropy.fill(&mut random);
            in_background(move || {
                check(&draft.path, draft.last_hash.as_deref())?;
                match draft.existing {
                    Existing::Refused => create(&draft, u64::from_ne_bytes(random)),
                    Existing::Written => write_into(&draft),
                }
            })
            .await?;
        }
        Ok(length)
    }
}

/// Says no before anything was touched.
fn check(path: &Path, last_hash: Option<&str>) -> Result<(), Problem> {
    let fails = cannot_with("write", path);
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(Problem::is_folder("write", path.display())),
        Ok(found) if !found.is_file() => return Err(no_file("write", path)),
        Ok(_) => {}
        Err(error) if is_missing(&error) => {
            let folder = path.parent().unwrap_or(path);
            if !std::fs::metadata(folder).map_err(cannot_with("write a file in", folder))?.is_dir() {
                return Err(fails(io::ErrorKind::NotADirectory.into()));
            }
        }
        Err(error) => return Err(fails(error)),
    }
    last_hash.map_or(Ok(()), |expected| compare(path, expected))
}

/// Compares what is in a file with what the caller saw last.
fn compare(path: &Path, expected: &str) -> Result<(), Problem> {
    let file = match super::read::open(path) {
        Ok(file) => file,
        Err(_) if std::fs::symlink_metadata(path).is_err_and(|error| is_missing(&error)) => {
            return Err(changed(path, "it is not there any more"));
        }
        Err(problem) => return Err(problem),
    };
    let mut hasher = Md5::new();
    let mut block = vec![0; 64 << 10];
    let mut content = file.take(COMPARED_MAX + 1);
    loop {
        match content.read(&mut block).map_err(cannot_with("read", path))? {
            0 => break,
            length => hasher.update(block.get(..length).unwrap_or_default()),
        }
    }
    if content.limit() == 0 {
        return Err(Problem::invalid(
            format!("cannot compare `{}` with `lastContentHash`: it is larger than 50 MiB", path.display()),
            "Leave `lastContentHash` out.",
        ));
    }
    let found = hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    if found.eq_ignore_ascii_case(expected) { Ok(()) } else { Err(changed(path, "somebody has changed it")) }
}

fn changed(path: &Path, why: &str) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "conflict",
        format!("cannot write `{}`: {why} since the content with this hash was read", path.display()),
        "Read it again and bring both changes together, or leave `lastContentHash` out to replace it.",
    )
}

/// Writes into the file that is there, or a new one.
fn write_into(draft: &Draft) -> Result<(), Problem> {
    let path = &draft.path;
    let fails = cannot_with("write", path);
    let mut options = OpenOptions::new();
    options.create(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    match draft.place {
        Place::End => options.append(true),
        Place::At(_) | Place::Whole => options.write(true),
    };
    let mut file = options.open(path).map_err(&fails)?;
    if !file.metadata().map_err(&fails)?.is_file() {
        return Err(no_file("write", path));
    }
    if let Place::At(offset) = draft.place {
        file.seek(SeekFrom::Start(offset)).map_err(&fails)?;
    }
    file.write_all(&draft.content).map_err(fails)
}

/// Makes a file where none may be. It appears under its name with all its content.
fn create(draft: &Draft, random: u64) -> Result<(), Problem> {
    let path = &draft.path;
    let fails = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::exists("write", path.display()),
        _ => cannot("write", path, &error),
    };
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(Problem::exists("write", path.display()));
    }
    let beside = Beside(path.with_file_name(part_file::name(random)));
    let mut file = File::create_new(&beside.0).map_err(fails)?;
    file.write_all(&draft.content).map_err(fails)?;
    file.sync_data().map_err(fails)?;
    // A second name is only given where there is none yet; a rename would replace.
    match std::fs::hard_link(&beside.0, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !is_missing(&error) => {
            // This file system knows no second names.
            let mut file = File::create_new(path).map_err(fails)?;
            file.write_all(&draft.content).map_err(fails)
        }
        linked => linked.map_err(fails),
    }
}

/// A file that is removed in any case.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}
