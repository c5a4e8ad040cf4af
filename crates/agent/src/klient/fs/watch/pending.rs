//! Changes that were noticed but not told yet, one for each path.
//!
//! Whoever is told all of them in order, and keeps entries by path (`added` and `modified` put one, `removed`
//! takes one with all below it, `renamed` moves one with all below it), ends with what is there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// Most changes that wait.
const MOST: usize = 4096;
/// Most bytes of their paths.
const MOST_BYTES: usize = 1 << 20;

/// What happened to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Modified,
    Removed {
        is_dir: bool,
    },
    /// Removed, and then something of the same name added.
    Replaced {
        was_dir: bool,
    },
    Renamed {
        from: Arc<Path>,
        modified: bool,
    },
}

/// A move, as far as it can be told as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    AsOne,
    /// As a removal and an addition; of a folder, everything in it is to be added as well.
    InTwo,
}

/// What had the name that something moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Free,
    Taken,
}

/// More waits than is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

struct Entry {
    at: (u64, u64),
    change: Change,
}

/// Changes in the order in which they are told.
#[derive(Default)]
pub(super) struct Pending {
    /// By place in the queue; those that share one by when they came.
    order: BTreeMap<(u64, u64), Arc<Path>>,
    by_path: HashMap<Arc<Path>, Entry>,
    /// Paths that were not there any more when they were to be told of.
    missed: HashSet<Arc<Path>>,
    /// Whether nothing that happened before the caller listed the folder is still to be told. Until then the
    /// caller may know what is noted as new, and have something newer at the old place of what moved, so that
    /// no move is told as one. After an overflow nobody knows when the caller lists the folder.
    is_settled: bool,
    /// Whether it cannot be settled any more.
    is_unsettled: bool,
    next: u64,
    bytes: usize,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn settle(&mut self) {
        self.is_settled = !self.is_unsettled;
    }

    /// What the caller knows is not known here from now on.
    pub(super) fn unsettle(&mut self) {
        (self.is_settled, self.is_unsettled) = (false, true);
    }

    /// Forgets everything, and is not settled any more.
    pub(super) fn clear(&mut self) {
        *self = Self { next: self.next, is_unsettled: true, ..Self::default() };
    }

    pub(super) fn added(&mut self, path: &Path) -> Result<(), Full> {
        let (at, change) = match self.take(path) {
            // Not later: what is in a new folder may have been noted already, and is told after it.
            Some((at, Change::Removed { is_dir })) => (Some(at), Change::Replaced { was_dir: is_dir }),
            Some((at, Change::Renamed { from, .. })) => (Some(at), Change::Renamed { from, modified: true }),
            Some((at, known)) => (Some(at), known),
            None => (None, Change::Added),
        };
        self.put(path, at, change)
    }

    pub(super) fn modified(&mut self, path: &Path) -> Result<(), Full> {
        let (at, change) = match self.take(path) {
            Some((at, Change::Renamed { from, .. })) => (Some(at), Change::Renamed { from, modified: true }),
            Some((at, known)) => (Some(at), known),
            None => (None, Change::Modified),
        };
        self.put(path, at, change)
    }

    pub(super) fn removed(&mut self, path: &Path, is_dir: bool) -> Result<(), Full> {
        if is_dir {
            // It takes all below it along. What comes there later, under the same name, is told again.
            self.forget_below(path)?;
        }
        self.missed.remove(path);
        let known = self.take(path);
        if let Some((at, Change::Renamed { from, .. })) = &known {
            // Whoever listens still has it under its old name.
            self.gone(&Arc::clone(from), Some(*at), is_dir)?;
        }
        let is_dir = is_dir || matches!(known, Some((_, Change::Replaced { was_dir: true })));
        self.put(path, None, Change::Removed { is_dir })
    }

    /// Removes one that has been moved away, so that something new may have its name in the meantime.
    fn gone(&mut self, path: &Path, at: Option<u64>, is_dir: bool) -> Result<(), Full> {
        match self.take(path) {
            None => self.put(path, at, Change::Removed { is_dir }),
            Some((known_at, known @ (Change::Removed { .. } | Change::Replaced { .. }))) => {
                self.put(path, Some(known_at), known)
            }
            // Something new has the name; what was there before goes first.
            Some((known_at, known)) => {
                self.put(path, Some(known_at), Change::Replaced { was_dir: is_dir })?;
                match known {
                    Change::Renamed { from, .. } => self.gone(&from, Some(known_at), is_dir),
                    _ => Ok(()),
                }
            }
        }
    }

    /// What was to be told of was not there any more. That will come as a change too; until then nothing
    /// that moves the folders above is told as a move, because the content would be told of nowhere.
    pub(super) fn missed(&mut self, path: Arc<Path>) -> Result<(), Full> {
        self.missed.insert(path);
        if self.missed.len() > MOST { Err(Full) } else { Ok(()) }
    }

    /// Something moved.
    pub(super) fn renamed(
        &mut self,
        from: &Path,
        to: &Path,
        is_dir: bool,
        target: Target,
    ) -> Result<Move, Full> {
        let mixed = !self.is_settled
            || self.by_path.contains_key(to)
            || self.by_path.get(from).is_some_and(|entry| entry.change != Change::Modified)
            || (is_dir && self.has_below(from, to));
        if !mixed {
            self.missed.remove(from);
            let modified = self.take(from).is_some();
            self.put(to, None, Change::Renamed { from: from.into(), modified })?;
            return Ok(Move::AsOne);
        }
        self.left(from, is_dir)?;
        match (is_dir, target) {
            (true, Target::Free) => self.added_folder(to)?,
            (true, Target::Taken) => {
                self.removed(to, true)?;
                self.added(to)?;
            }
            (false, Target::Free) => self.added(to)?,
            (false, Target::Taken) => self.modified(to)?,
        }
        Ok(Move::InTwo)
    }

    /// A folder is new, and what is in it will be noted as new.
    pub(super) fn added_folder(&mut self, path: &Path) -> Result<(), Full> {
        if !self.is_settled {
            // The caller may know things in it that have gone again before anybody looked.
            self.removed(path, true)?;
        }
        self.added(path)
    }

    /// Something is not where it was. If nobody was told of it, nobody has to be told now.
    fn left(&mut self, path: &Path, is_dir: bool) -> Result<(), Full> {
        if self.is_settled && self.is_new(path) {
            self.take(path);
            return self.forget_below(path);
        }
        self.removed(path, is_dir)
    }

    /// A file that nobody was told of took the place of one that was there: it is the old file, changed.
    pub(super) fn replaced(&mut self, from: &Path, to: &Path) -> Result<(), Full> {
        self.left(from, false)?;
        self.modified(to)
    }

    /// Whether it is new and nobody was told of it yet.
    pub(super) fn is_new(&self, path: &Path) -> bool {
        matches!(self.by_path.get(path), Some(Entry { change: Change::Added, .. }))
    }

    fn has_below(&self, from: &Path, to: &Path) -> bool {
        // Its own change is no obstacle: it goes along.
        self.by_path
            .keys()
            .chain(&self.missed)
            .any(|path| (path.starts_with(from) && **path != *from) || path.starts_with(to))
    }

    fn forget_below(&mut self, folder: &Path) -> Result<(), Full> {
        let below: Vec<_> = self
            .by_path
            .keys()
            .filter(|path| path.starts_with(folder) && ***path != *folder)
            .cloned()
            .collect();
        for path in below {
            if let Some((at, Change::Renamed { from, .. })) = self.take(&path) {
                self.gone(&from, Some(at), false)?;
            }
        }
        self.missed.retain(|path| !path.starts_with(folder));
        Ok(())
    }

    /// The first of them, at most so many.
    pub(super) fn take_first(&mut self, most: usize) -> Vec<(Arc<Path>, Change)> {
        let mut first = Vec::new();
        while first.len() < most
            && let Some((_, path)) = self.order.pop_first()
        {
            self.bytes -= path.as_os_str().len();
            if let Some(entry) = self.by_path.remove(&path) {
                first.push((path, entry.change));
            }
        }
        first
    }

    fn take(&mut self, path: &Path) -> Option<(u64, Change)> {
        let Entry { at, change } = self.by_path.remove(path)?;
        self.order.remove(&at);
        self.bytes -= path.as_os_str().len();
        Some((at.0, change))
    }

    /// Puts a change at its place, or at the end.
    fn put(&mut self, path: &Path, at: Option<u64>, change: Change) -> Result<(), Full> {
        self.next += 1;
        let at = (at.unwrap_or(self.next), self.next);
        let path: Arc<Path> = path.into();
        self.bytes += path.as_os_str().len();
        self.order.insert(at, Arc::clone(&path));
        self.by_path.insert(path, Entry { at, change });
        if self.order.len() > MOST || self.bytes > MOST_BYTES { Err(Full) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
