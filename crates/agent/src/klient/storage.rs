//! `storage.get`, `storage.set`, `storage.delete`: small texts under names, kept in the workspace's home.
//!
//! They lie in one JSON document, `~/.hearth/klient/storage.json`, that the user can read and mend, that only
//! they can open, and that goes along with the disk into a fork. It is replaced in one step, so that a
//! restart in the middle of a write leaves the old one.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Entropy;
use http::StatusCode;
use kite::{Error, Request, ServiceBuilder};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::bulks::Bulks;
use super::fs::fs_error;
use super::fs::trouble::{cannot, cannot_with};
use crate::agent::Parts;
use crate::background::in_background;
use crate::part_file::{self, Draft, Openness};
use crate::problem::Problem;

/// Where it lies in the home folder.
const FOLDER: &str = ".hearth/klient";
const FILE: &str = "storage.json";

/// Longest name, in bytes.
const KEY_MAX: usize = 1024;
/// Longest text, in bytes.
const VALUE_MAX: usize = 1 << 20;
/// Names and texts together, in bytes.
const TOTAL_MAX: usize = 16 << 20;
/// Longest answer, as JSON. What was set fits; what was written into the document by hand may not.
const ANSWER_MAX: usize = 3 << 20;
/// Most names.
const KEYS_MAX: usize = 10_000;
/// Longest document: JSON takes up to six bytes for one.
const DOCUMENT_MAX: u64 = 6 * (TOTAL_MAX as u64) + (1 << 20);

type Texts = BTreeMap<String, String>;

/// The document, and whose turn it is to change it.
struct Storage {
    folder: PathBuf,
    /// Held by the work and not by the call, which may end in the middle of it.
    turn: Arc<Mutex<()>>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    value: String,
}

/// Adds the calls. To be called once for an agent, because changes take turns.
pub(crate) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>) -> ServiceBuilder {
    let storage = Arc::new(Storage {
        folder: parts.environment.home().join(FOLDER),
        turn: Arc::default(),
        entropy: Arc::clone(&parts.outside.entropy),
    });
    let (getting, setting, deleting) = (Arc::clone(&storage), Arc::clone(&storage), storage);
    builder
        .method("storage.get", move |request: Request| {
            let (storage, argument) = (Arc::clone(&getting), request.arg::<Key>());
            let bulks = Bulks::of(&request);
            async move {
                let _turn = bulks.turn().await;
                storage.get(argument?.key).await
            }
        })
        .method("storage.set", move |request: Request| {
            let (storage, argument) = (Arc::clone(&setting), request.arg::<Pair>());
            async move {
                let Pair { key, value } = argument?;
                storage.set(key, value).await
            }
        })
        .method("storage.delete", move |request: Request| {
            let (storage, argument) = (Arc::clone(&deleting), request.arg::<Key>());
            async move { storage.delete(argument?.key).await }
        })
}

impl Storage {
    async fn get(&self, key: String) -> Result<String, Error> {
        // One after the other: a document may take much memory.
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let folder = self.folder.clone();
        let found = in_background(move || {
            let _turn = turn;
            let text = read(&folder)?.remove(&key);
            text.map(|text| check_answer(&folder, text)).transpose()
        });
        // The sentence of Klient, which clients compare with.
        let found = found.await.map_err(fs_error)?;
        found.ok_or_else(|| Error::generic("key not found").with_code("not_found"))
    }

    async fn set(&self, key: String, value: String) -> Result<bool, Error> {
        if key.is_empty() || key.len() > KEY_MAX {
            return Err(Error::argument(format!("key: a name has 1 to {KEY_MAX} bytes")));
        }
        if value.len() > VALUE_MAX {
            return Err(Error::argument(format!("value: a text has at most {VALUE_MAX} bytes; use a file")));
        }
        self.change(move |texts| {
            if texts.get(&key) == Some(&value) {
                return Ok(false);
            }
            texts.insert(key, value);
            check(texts).map(|()| true)
        })
        .await
    }

    /// Whether there was one makes no difference, as in Klient.
    async fn delete(&self, key: String) -> Result<bool, Error> {
        self.change(move |texts| Ok(texts.remove(&key).is_some())).await
    }

    /// Does something to the texts that says whether it made a difference.
    async fn change(
        &self,
        change: impl FnOnce(&mut Texts) -> Result<bool, Problem> + Send + 'static,
    ) -> Result<bool, Error> {
        let name = part_file::name(&*self.entropy);
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let folder = self.folder.clone();
        let changed = in_background(move || {
            let _turn = turn;
            let mut texts = read(&folder)?;
            if change(&mut texts)? { write(&folder, &texts, name) } else { Ok(()) }
        });
        changed.await.map(|()| true).map_err(fs_error)
    }
}

fn check(texts: &Texts) -> Result<(), Problem> {
    let bytes: usize = texts.iter().map(|(key, value)| key.len() + value.len()).sum();
    if texts.len() > KEYS_MAX || bytes > TOTAL_MAX {
        return Err(Problem::invalid(
            format!("cannot keep this text: there is room for {KEYS_MAX} names and {TOTAL_MAX} bytes"),
            "Delete names that are not needed any more, or use files.",
        ));
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Texts, Problem> {
    let path = folder.join(FILE);
    let fails = cannot_with("read", &path);
    match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Texts::new()),
        found => found.map_err(&fails)?,
    };
    let mut document = String::new();
    super::fs::read::open(&path)?.take(DOCUMENT_MAX).read_to_string(&mut document).map_err(fails)?;
    if document.trim().is_empty() {
        return Ok(Texts::new());
    }
    serde_json::from_str(&document).map_err(|error| {
        Problem::invalid(
            format!("cannot read `{}`: {error}", path.display()),
            "It has to be a JSON object of texts. Mend it, or remove it to begin with nothing.",
        )
    })
}

/// A text that fits an answer.
fn check_answer(folder: &Path, text: String) -> Result<String, Problem> {
    if serde_json::to_string(&text).is_ok_and(|json| json.len() <= ANSWER_MAX) {
        return Ok(text);
    }
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "cannot answer with this text: it is longer than a message can be",
        format!("Read it in `{}`.", folder.join(FILE).display()),
    ))
}

fn write(folder: &Path, texts: &Texts, name: String) -> Result<(), Problem> {
    let path = folder.join(FILE);
    let written = || -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let draft = Draft::beside(&path, name, Openness::Own)?;
        let mut file = io::BufWriter::new(draft.file());
        serde_json::to_writer_pretty(&mut file, texts)?;
        file.write_all(b"\n")?;
        file.flush()?;
        drop(file);
        draft.replace(FILE.as_ref())
    };
    written().map_err(|error| cannot("write", &path, &error))
}

#[cfg(test)]
mod tests;
