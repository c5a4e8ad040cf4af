//! Writing files: whole, at the end, or in the middle.
//!
//! A file is written whole beside its place and then put there in one step, so that nobody ever sees half
//! of it. Writes to one file come one after the other, so that of two callers who both say which content
//! they saw last only one gets through.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Entropy;
use http::StatusCode;
use md5::{Digest, Md5};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::entry::is_missing;
use super::read::go_to;
use super::trouble::{cannot, cannot_with, no_file};
use crate::background::in_background;
use crate::files;
use crate::part_file::{self, Draft, Openness};
use crate::problem::Problem;

/// Longest file whose content is compared before a write.
const COMPARED_MAX: u64 = 50 << 20;
/// Locks that all files share. Two files that share one merely wait for each other.
const LOCKS: usize = 16;

/// What is to be written.
pub(super) struct Writing {
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
    locks: [Arc<Mutex<()>>; LOCKS],
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { locks: std::array::from_fn(|_| Arc::default()) }
    }

    async fn turn(&self, path: &Path) -> Option<OwnedMutexGuard<()>> {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        Some(Arc::clone(self.locks.get(index)?).lock_owned().await)
    }

    /// Writes, and says how many bytes.
    pub(super) async fn write(&self, writing: Writing, entropy: &dyn Entropy) -> Result<usize, Problem> {
        let name = part_file::name(entropy);
        let given = writing.path.clone();
        // What a link leads to is written, by whatever name it is called.
        let path = in_background(move || Ok(std::fs::canonicalize(&given).unwrap_or(given))).await?;
        let turn = self.turn(&path).await;
        let writing = Writing { path, ..writing };
        in_background(move || {
            // The work has the turn, and not the call: it goes on when the caller goes away in the middle.
            let _turn = turn;
            writing.write(name)
        })
        .await
    }
}

impl Writing {
    fn write(&self, name: String) -> Result<usize, Problem> {
        check(&self.path, self.last_hash.as_deref())?;
        match (self.existing, self.place) {
            (Existing::Refused, _) => create(self, name)?,
            (Existing::Written, Place::Whole) => files::write_now(&self.path, &self.content, name)?,
            (Existing::Written, Place::End | Place::At(_)) => write_into(self)?,
        }
        Ok(self.content.len())
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
fn write_into(writing: &Writing) -> Result<(), Problem> {
    let path = &writing.path;
    let fails = cannot_with("write", path);
    let mut options = OpenOptions::new();
    options.create(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    match writing.place {
        Place::End => options.append(true),
        Place::At(_) | Place::Whole => options.write(true),
    };
    let mut file = options.open(path).map_err(&fails)?;
    if !file.metadata().map_err(&fails)?.is_file() {
        return Err(no_file("write", path));
    }
    if let Place::At(offset) = writing.place {
        go_to("write", path, &mut file, offset)?;
    }
    file.write_all(&writing.content).map_err(fails)
}

/// Makes a file where none may be. It appears under its name with all its content.
fn create(writing: &Writing, name: String) -> Result<(), Problem> {
    let path = &writing.path;
    let fails = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::exists("write", path.display()),
        _ => cannot("write", path, &error),
    };
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(Problem::exists("write", path.display()));
    }
    let draft = Draft::beside(path, name, Openness::Usual).map_err(fails)?;
    draft.file().write_all(&writing.content).map_err(fails)?;
    match draft.appear(path.file_name().unwrap_or_default()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !is_missing(&error) => {
            // This file system knows no second names.
            create_in_place(path, |file| file.write_all(&writing.content)).map_err(fails)
        }
        appeared => appeared.map_err(fails),
    }
}

/// Makes a file under its name before it has its content. One that cannot be filled is removed again.
fn create_in_place(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let filled = fill(&mut file);
    if filled.is_err() {
        // The first failure is what counts.
        drop(std::fs::remove_file(path));
    }
    filled
}

#[cfg(test)]
mod tests;
