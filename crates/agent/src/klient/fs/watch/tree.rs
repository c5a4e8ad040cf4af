//! The folders of one watch, and which names each has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Most folders of one watch.
pub(super) const FOLDERS: usize = 8192;
/// Names remembered, by their hashes, of all folders of one watch: about 3 MiB. Of those beyond it is not
/// known whether they were there, and one that replaces another is told as added.
const NAMES: usize = 200_000;

/// What the kernel calls a watched folder.
pub(super) type Number = i32;

#[derive(Default)]
pub(super) struct Tree {
    by_number: HashMap<Number, Folder>,
    by_path: BTreeMap<PathBuf, Number>,
    names: usize,
}

struct Folder {
    path: PathBuf,
    names: HashSet<u64>,
}

impl Tree {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn path(&self, number: Number) -> Option<&Path> {
        self.by_number.get(&number).map(|folder| folder.path.as_path())
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    /// Takes a folder in, without names. One that is known at another path is here now: it has moved, which
    /// was not noticed yet. (One that can be seen at several paths is watched at that seen last.)
    pub(super) fn insert(&mut self, number: Number, path: &Path) {
        self.remove(number);
        self.by_path.insert(path.to_owned(), number);
        self.by_number.insert(number, Folder { path: path.to_owned(), names: HashSet::new() });
    }

    /// Forgets a folder.
    pub(super) fn remove(&mut self, number: Number) -> Option<PathBuf> {
        let folder = self.by_number.remove(&number)?;
        self.names -= folder.names.len();
        // By now another may be watched at this path.
        if self.by_path.get(&folder.path) == Some(&number) {
            self.by_path.remove(&folder.path);
        }
        Some(folder.path)
    }

    /// Forgets a folder and all below it, and says which.
    pub(super) fn remove_below(&mut self, path: &Path) -> Vec<Number> {
        let numbers: Vec<Number> = self.below(path).map(|(_, number)| *number).collect();
        for number in &numbers {
            self.remove(*number);
        }
        numbers
    }

    /// All of them.
    pub(super) fn numbers(&self) -> Vec<Number> {
        self.by_number.keys().copied().collect()
    }

    /// Moves a folder and all below it.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        let moved: Vec<(PathBuf, Number)> =
            self.below(from).map(|(path, number)| (path.clone(), *number)).collect();
        for (path, number) in moved {
            self.by_path.remove(&path);
            let Ok(rest) = path.strip_prefix(from) else { continue };
            let path = to.join(rest).components().collect::<PathBuf>();
            if let Some(folder) = self.by_number.get_mut(&number) {
                folder.path.clone_from(&path);
                self.by_path.insert(path, number);
            }
        }
    }

    fn below<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a PathBuf, &'a Number)> {
        self.by_path.range(path.to_owned()..).take_while(move |(below, _)| below.starts_with(path))
    }

    /// Whether there may be names that are not known here.
    pub(super) fn is_full(&self) -> bool {
        self.names >= NAMES
    }

    /// A name is in a folder now. Says whether it was known to be there before.
    pub(super) fn add_name(&mut self, number: Number, name: &OsStr) -> bool {
        let is_full = self.is_full();
        let Some(folder) = self.by_number.get_mut(&number) else { return false };
        let hash = hash(name);
        if folder.names.contains(&hash) {
            return true;
        }
        if !is_full {
            folder.names.insert(hash);
            self.names += 1;
        }
        false
    }

    /// A name is not in a folder any more.
    pub(super) fn remove_name(&mut self, number: Number, name: &OsStr) {
        if let Some(folder) = self.by_number.get_mut(&number)
            && folder.names.remove(&hash(name))
        {
            self.names -= 1;
        }
    }
}

/// Two names with the same hash would at worst be told as changed instead of added.
fn hash(name: &OsStr) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
