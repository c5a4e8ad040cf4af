//! What lies under `<data>/images`, and who needs it.
//!
//! - `layers/<diff id>/fs`: the files of a layer; `layer.json` beside them. Complete or not there.
//! - `records/<image id>.json`: an image and its layers.
//! - `names/<sum of the reference>.json`: a name and the image it stands for.
//! - `holds/<holder>`: the image a workspace or snapshot stands on, whatever happens to names.
//! - `staging/`: what is not finished; cleared at open.
//!
//! A layer is put in place before the record that needs it, a record before the name that needs it, and
//! they go in the opposite order. So a crash leaves at most something that nobody needs, which the next
//! open removes. The file system is flushed once before a record is written: a record's layers are whole
//! even after a power cut.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{ImageDigest, ImageReference};
use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::Image;
use super::caps::Caps;
use super::record::{self, ImageNote, LayerNote, NameNote};
use super::remove::remove_tree;
use super::staging::Staging;
use super::trouble::{bad, failed};
use crate::DriverError;

/// The image folder and what is known about it.
pub(super) struct Shelf {
    root: PathBuf,
    caps: Caps,
    state: Mutex<State>,
    /// Locked as long as we live, if we are the only ones.
    _lock: Option<File>,
}

#[derive(Default)]
struct State {
    images: HashMap<ImageDigest, ImageNote>,
    names: BTreeMap<ImageReference, (NameNote, Timestamp)>,
    /// Holder to image.
    holds: HashMap<String, ImageDigest>,
    /// Layers that somebody is about to write into a record, and how many.
    awaited: HashMap<ImageDigest, usize>,
}

impl Shelf {
    pub(super) fn open(root: PathBuf, caps: Caps) -> Result<Self, DriverError> {
        for folder in ["", "layers", "records", "names", "holds", "staging"] {
            let folder = root.join(folder);
            // Closed to others: layers hold set-user-ID programs of strangers.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| failed(format!("cannot make `{}`", folder.display()), error))?;
        }
        let lock = lock(&root.join("lock"))?;
        let shelf = Self { root, caps, state: Mutex::default(), _lock: None };
        let broken = shelf.load()?;
        match (&lock, broken) {
            (Some(_), Some(broken)) => {
                broken.iter().try_for_each(|note| record::erase(note))?;
                for leftover in entries(&shelf.root.join("staging"))? {
                    if let Err(error) = remove_tree(&leftover) {
                        warn!(path = %leftover.display(), %error, "cannot remove leftovers of a crash");
                    }
                }
                let _gone = shelf.collect(&mut shelf.state())?;
            }
            (None, _) => warn!("another process uses the images too; leftovers stay until it ends"),
            (_, None) => warn!("not all image records are understood; nothing is cleared away"),
        }
        Ok(Self { _lock: lock, ..shelf })
    }

    pub(super) fn caps(&self) -> Caps {
        self.caps
    }

    /// A place for unfinished work.
    pub(super) fn stage(&self) -> Result<Staging, DriverError> {
        Staging::new(&self.root.join("staging"))
    }

    pub(super) fn find(&self, reference: &ImageReference) -> Option<Image> {
        let state = self.state();
        if let Some((name, since)) = state.names.get(reference) {
            return self.image(&state, name, *since);
        }
        // By a digest it also answers to, under whatever tag it came.
        let digest = reference.digest.as_ref()?;
        let same = |name: &NameNote| {
            (&name.reference.registry, &name.reference.repository)
                == (&reference.registry, &reference.repository)
                && name.manifests.contains(digest)
        };
        let (name, since) = state.names.values().find(|(name, _)| same(name))?;
        let name = NameNote { reference: reference.clone(), ..name.clone() };
        self.image(&state, &name, *since)
    }

    pub(super) fn find_by_id(&self, id: &ImageDigest) -> Option<Image> {
        let state = self.state();
        if let Some((name, since)) = state.names.values().find(|(name, _)| name.id == *id) {
            return self.image(&state, name, *since);
        }
        let path = self.record_path(id);
        let since = modified(&path);
        // Nobody calls it anything any more; its id is a name nobody can take away.
        let reference = format!("nameless.invalid/image@{id}").parse().ok()?;
        self.image(&state, &NameNote { reference, id: id.clone(), manifests: Vec::new() }, since)
    }

    pub(super) fn images(&self) -> Vec<Image> {
        let state = self.state();
        state.names.values().filter_map(|(name, since)| self.image(&state, name, *since)).collect()
    }

    /// Keeps layers from being cleared away until a record needs them.
    pub(super) fn await_layers(self: &Arc<Self>, layers: Vec<ImageDigest>) -> Awaited {
        let mut state = self.state();
        for layer in &layers {
            *state.awaited.entry(layer.clone()).or_default() += 1;
        }
        drop(state);
        Awaited { shelf: self.clone(), layers }
    }

    /// What is known about a layer, if it is here.
    pub(super) fn layer(&self, diff_id: &ImageDigest) -> Result<Option<LayerNote>, DriverError> {
        let place = self.layer_path(diff_id);
        if place.join("fs").is_dir() { record::read(&place.join("layer.json")) } else { Ok(None) }
    }

    /// Puts an unpacked layer in place.
    pub(super) fn keep_layer(&self, staging: &Staging, note: &LayerNote) -> Result<(), DriverError> {
        record::write(note, &staging.layer().join("layer.json"), staging.path())?;
        let place = self.layer_path(&note.diff_id);
        match fs::rename(staging.layer(), &place) {
            Ok(()) => Ok(()),
            // Another process was faster; the same digest is the same layer.
            Err(_) if place.join("layer.json").exists() => Ok(()),
            Err(error) => Err(failed(format!("cannot put a layer at `{}`", place.display()), error)),
        }
    }

    /// Writes an image down under its names, which leave whatever they stood for before.
    pub(super) fn keep_image(
        &self,
        note: ImageNote,
        names: Vec<NameNote>,
    ) -> Result<Vec<Image>, DriverError> {
        let unflushed = |error| failed(format!("cannot flush `{}`", self.root.display()), error);
        rustix::fs::syncfs(File::open(&self.root).map_err(unflushed)?)
            .map_err(|error| unflushed(error.into()))?;
        let mut state = self.state();
        record::write(&note, &self.record_path(&note.id), &self.root.join("staging"))?;
        state.images.insert(note.id.clone(), note);
        let mut images = Vec::with_capacity(names.len());
        for name in names {
            let path = self.name_path(&name.reference);
            record::write(&name, &path, &self.root.join("staging"))?;
            let since = modified(&path);
            images.extend(self.image(&state, &name, since));
            state.names.insert(name.reference.clone(), (name, since));
        }
        let _gone = self.collect(&mut state)?;
        drop(state);
        Ok(images)
    }

    pub(super) fn forget(&self, reference: &ImageReference) -> Result<bool, DriverError> {
        let mut state = self.state();
        if !state.names.contains_key(reference) {
            return Ok(false);
        }
        record::erase(&self.name_path(reference))?;
        state.names.remove(reference);
        let _gone = self.collect(&mut state)?;
        drop(state);
        Ok(true)
    }

    pub(super) fn hold(&self, id: &ImageDigest, holder: &str) -> Result<(), DriverError> {
        let path = self.hold_path(holder)?;
        let mut state = self.state();
        if !state.images.contains_key(id) {
            return Err(bad(format!("no image `{id}` on this machine")));
        }
        record::write(id, &path, &self.root.join("staging"))?;
        state.holds.insert(holder.to_owned(), id.clone());
        let _gone = self.collect(&mut state)?;
        drop(state);
        Ok(())
    }

    pub(super) fn release(&self, holder: &str) -> Result<(), DriverError> {
        let path = self.hold_path(holder)?;
        let mut state = self.state();
        record::erase(&path)?;
        state.holds.remove(holder);
        let _gone = self.collect(&mut state)?;
        drop(state);
        Ok(())
    }

    /// Takes images away that nothing names or holds, then layers that no image needs. They are out of
    /// place at once; their bytes go when the answer is dropped, which takes a while and no lock.
    fn collect(&self, state: &mut State) -> Result<Vec<Staging>, DriverError> {
        let needed: HashSet<&ImageDigest> =
            state.names.values().map(|(name, _)| &name.id).chain(state.holds.values()).collect();
        let useless: Vec<ImageDigest> =
            state.images.keys().filter(|id| !needed.contains(id)).cloned().collect();
        for id in useless {
            record::erase(&self.record_path(&id))?;
            state.images.remove(&id);
            info!(image = %id, "removed an image that nothing needs");
        }
        let stood_on = state.images.values().flat_map(|image| &image.layers).map(|layer| &layer.diff_id);
        let standing: HashSet<&str> = stood_on.chain(state.awaited.keys()).map(ImageDigest::hex).collect();
        let mut gone = Vec::new();
        for layer in entries(&self.root.join("layers"))? {
            let name = layer.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if standing.contains(name) {
                continue;
            }
            let grave = self.stage()?;
            fs::rename(&layer, grave.path().join("gone"))
                .map_err(|error| failed(format!("cannot move `{}` away", layer.display()), error))?;
            gone.push(grave);
        }
        Ok(gone)
    }

    /// Reads all notes. Answers those that have lost what they are about, or nothing if it is not safe to
    /// clear anything away, because not all were understood or somebody holds what is left.
    fn load(&self) -> Result<Option<Vec<PathBuf>>, DriverError> {
        let mut state = self.state();
        let (images, all_images) = read_all::<ImageNote>(&self.root.join("records"))?;
        let (names, all_names) = read_all::<NameNote>(&self.root.join("names"))?;
        let (holds, all_holds) = read_all::<ImageDigest>(&self.root.join("holds"))?;
        let mut understood = all_images && all_names && all_holds;
        let mut broken = Vec::new();
        for (path, image) in images {
            if image.layers.iter().all(|layer| self.layer_path(&layer.diff_id).join("fs").is_dir()) {
                state.images.insert(image.id.clone(), image);
            } else {
                warn!(image = %image.id, "layers of an image are missing; it has to be fetched again");
                understood &= holds.iter().all(|(_, held)| *held != image.id);
                broken.push(path);
            }
        }
        for (path, name) in names {
            if state.images.contains_key(&name.id) {
                let since = modified(&path);
                state.names.insert(name.reference.clone(), (name, since));
            } else {
                broken.push(path);
            }
        }
        for (path, id) in holds {
            if let Some(holder) = path.file_name().and_then(|name| name.to_str()) {
                state.holds.insert(holder.to_owned(), id);
            }
        }
        Ok(understood.then_some(broken))
    }

    fn image(&self, state: &State, name: &NameNote, since: Timestamp) -> Option<Image> {
        let note = state.images.get(&name.id)?;
        Some(Image {
            reference: name.reference.clone(),
            id: note.id.clone(),
            layers: note.layers.iter().map(|layer| self.layer_path(&layer.diff_id).join("fs")).collect(),
            size_bytes: note.layers.iter().map(|layer| layer.size_bytes).sum(),
            created_at: since,
            env: note.env.clone(),
            user: note.user.clone(),
            working_dir: note.working_dir.clone(),
        })
    }

    fn layer_path(&self, diff_id: &ImageDigest) -> PathBuf {
        self.root.join("layers").join(diff_id.hex())
    }

    fn record_path(&self, id: &ImageDigest) -> PathBuf {
        self.root.join("records").join(format!("{}.json", id.hex()))
    }

    fn name_path(&self, reference: &ImageReference) -> PathBuf {
        // A sum, because a reference may be longer than a file name.
        let sum = hex::encode(Sha256::digest(reference.to_string()));
        self.root.join("names").join(format!("{sum}.json"))
    }

    fn hold_path(&self, holder: &str) -> Result<PathBuf, DriverError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if holder.is_empty() || holder.len() > 128 || !holder.bytes().all(plain) {
            return Err(bad(format!("`{holder}` cannot hold an image: it is not an id")));
        }
        Ok(self.root.join("holds").join(holder))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is written to disk first, so a panic half-way leaves nothing half-known.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Layers somebody is about to need; see [`Shelf::await_layers`].
pub(super) struct Awaited {
    shelf: Arc<Shelf>,
    layers: Vec<ImageDigest>,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut state = self.shelf.state();
        for layer in &self.layers {
            if let Some(count) = state.awaited.get_mut(layer) {
                *count -= 1;
                if *count == 0 {
                    state.awaited.remove(layer);
                }
            }
        }
    }
}

/// The lock, unless somebody else has it.
fn lock(path: &Path) -> Result<Option<File>, DriverError> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| failed(format!("cannot open `{}`", path.display()), error))?;
    Ok(rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file))
}

fn read_all<T: DeserializeOwned>(folder: &Path) -> Result<(Vec<(PathBuf, T)>, bool), DriverError> {
    let mut notes = Vec::new();
    let mut understood = true;
    for path in entries(folder)? {
        match record::read(&path) {
            Ok(note) => notes.extend(note.map(|note| (path, note))),
            Err(error) => {
                understood = false;
                warn!(path = %path.display(), %error, "a note about images is not understood");
            }
        }
    }
    Ok((notes, understood))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DriverError> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| failed(format!("cannot read `{}`", folder.display()), error))
}

/// When a note was written, which is when its image came or was renamed.
fn modified(path: &Path) -> Timestamp {
    let time = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    time.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default()
}
