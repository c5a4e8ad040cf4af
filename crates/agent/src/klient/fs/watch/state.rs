//! What one watch knows: its folders, and what is still to be told of them. Asks no disk.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pending::{Change, Full, Move, Pending, Target};
use super::tree::{Number, Tree};
use crate::klient::fs::listing::Wish;
use crate::part_file;

/// Folders that wait to be looked into for the first time.
const NEW_FOLDERS: usize = 1024;

/// What the kernel says of one folder.
#[derive(Debug)]
pub(super) struct Notice<'a> {
    pub(super) folder: Number,
    /// What it is about in the folder; none for the folder itself.
    pub(super) name: Option<&'a OsStr>,
    pub(super) is_dir: bool,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Modified,
    Deleted,
    /// Half of a move; the other half has the same number.
    MovedFrom(u32),
    MovedTo(u32),
    /// The folder itself has another place now.
    SelfMoved,
    /// The kernel watches the folder no more: it was deleted, or its disk was taken away.
    Ended,
}

/// A move whose other half may still come.
struct Moving {
    cookie: u32,
    path: PathBuf,
    is_dir: bool,
}

pub(super) struct State {
    pub(super) wish: Wish,
    pub(super) tree: Tree,
    pending: Pending,
    moving: Option<Moving>,
    new_folders: BTreeSet<PathBuf>,
    /// More happened than was kept.
    overflowed: bool,
    /// The watched folder is not there any more.
    ended: bool,
    /// Folders that are watched and need not be.
    surplus: Vec<Number>,
}

/// What is to be done next.
pub(super) enum Step {
    Nothing,
    /// Everything is to be read anew.
    Reread,
    /// These are to be watched too, and what is in them is new.
    LookInto(Vec<PathBuf>),
    Tell(Vec<(Arc<Path>, Change)>),
    End,
}

impl State {
    pub(super) fn new(wish: Wish) -> Self {
        Self {
            wish,
            tree: Tree::default(),
            pending: Pending::default(),
            moving: None,
            new_folders: BTreeSet::new(),
            overflowed: false,
            ended: false,
            surplus: vec![],
        }
    }

    /// Says that the caller has listed the folder, and that all that happened before was noticed and told.
    pub(super) fn settle(&mut self) {
        self.pending.settle();
    }

    /// Whether there is anything to be done.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.moving.is_none()
            && self.new_folders.is_empty()
            && !self.overflowed
            && !self.ended
    }

    /// What is to be done, at most so many changes of it.
    pub(super) fn step(&mut self, most: usize) -> Step {
        // Both halves come at nearly the same time; what waited so long has moved out of sight.
        self.settle_moving();
        if self.overflowed {
            self.forget();
            return Step::Reread;
        }
        if !self.new_folders.is_empty() {
            return Step::LookInto(std::mem::take(&mut self.new_folders).into_iter().collect());
        }
        let changes = self.pending.take_first(most);
        match (changes.is_empty(), self.ended) {
            (false, _) => Step::Tell(changes),
            (true, true) => Step::End,
            (true, false) => Step::Nothing,
        }
    }

    /// The watched folder is not where it was.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// More has happened than can be told one by one.
    pub(super) fn overflow(&mut self) {
        self.forget();
        self.overflowed = true;
    }

    fn forget(&mut self) {
        self.pending.clear();
        self.new_folders.clear();
        self.moving = None;
        self.overflowed = false;
    }

    /// Something was not there any more when it was to be told of.
    pub(super) fn missed(&mut self, path: Arc<Path>) {
        let kept = self.pending.missed(path);
        self.or_overflow(kept);
    }

    /// Found in a folder that is watched now.
    pub(super) fn found(&mut self, folder: Number, name: &OsStr) {
        self.tree.add_name(folder, name);
        if let Some(path) = self.tree.path(folder).map(|folder| folder.join(name)) {
            let kept = self.pending.added(&path);
            self.or_overflow(kept);
        }
    }

    /// Takes in what the kernel says.
    pub(super) fn on(&mut self, notice: &Notice<'_>) {
        let Some(folder) = self.tree.path(notice.folder).map(Path::to_owned) else { return };
        match (notice.what, notice.name) {
            (What::Ended, _) => {
                self.tree.remove(notice.folder);
                self.ended |= folder == self.wish.path;
            }
            (What::SelfMoved, _) => {
                // Of any other folder its own folder says so.
                self.ended |= folder == self.wish.path;
            }
            // What is being written is told of once it has its name.
            (_, Some(name)) if part_file::is_one(name) => {}
            (what, Some(name)) if !self.overflowed => {
                let kept = self.on_name(notice, what, &folder.join(name), name);
                self.or_overflow(kept);
            }
            // All is read anew; or it is about the watched folder's own permissions.
            _ => {}
        }
    }

    fn on_name(&mut self, notice: &Notice<'_>, what: What, path: &Path, name: &OsStr) -> Result<(), Full> {
        let is_other_half = |moving: &Moving| what == What::MovedTo(moving.cookie);
        if self.moving.as_ref().is_some_and(|moving| path.starts_with(&moving.path) && !is_other_half(moving))
        {
            // The name is used again: what had it has moved out of sight.
            self.settle_moving();
        }
        match what {
            What::Created => self.appear(notice, path, name),
            What::Modified => self.pending.modified(path),
            What::Deleted => {
                self.tree.remove_name(notice.folder, name);
                self.pending.removed(path, notice.is_dir)
            }
            What::MovedFrom(cookie) => {
                self.settle_moving();
                self.tree.remove_name(notice.folder, name);
                self.moving = Some(Moving { cookie, path: path.to_owned(), is_dir: notice.is_dir });
                Ok(())
            }
            What::MovedTo(cookie) => match self.moving.take_if(|moving| moving.cookie == cookie) {
                Some(moving) => self.move_inside(notice, &moving, path, name),
                None => self.appear(notice, path, name),
            },
            What::SelfMoved | What::Ended => Ok(()),
        }
    }

    fn appear(&mut self, notice: &Notice<'_>, path: &Path, name: &OsStr) -> Result<(), Full> {
        let is_known = self.add_name(notice.folder, name);
        if notice.is_dir && self.wish.enters(name) {
            self.look_into(path)?;
            return self.pending.added_folder(path);
        }
        if is_known { self.pending.modified(path) } else { self.pending.added(path) }
    }

    /// Notes a name, and says whether it was known.
    fn add_name(&mut self, folder: Number, name: &OsStr) -> bool {
        let is_known = self.tree.add_name(folder, name);
        if self.tree.is_full() {
            self.pending.unsettle();
        }
        is_known
    }

    fn move_inside(
        &mut self,
        notice: &Notice<'_>,
        moving: &Moving,
        path: &Path,
        name: &OsStr,
    ) -> Result<(), Full> {
        let target = if self.add_name(notice.folder, name) { Target::Taken } else { Target::Free };
        let moved = if target == Target::Taken && !moving.is_dir && self.pending.is_new(&moving.path) {
            self.pending.replaced(&moving.path, path).map(|()| Move::AsOne)
        } else {
            self.pending.renamed(&moving.path, path, moving.is_dir, target)
        };
        if moving.is_dir && self.wish.enters(name) {
            self.tree.rename(&moving.path, path);
            if moved != Ok(Move::AsOne) || !self.tree.has(path) {
                self.look_into(path)?;
            }
        } else if moving.is_dir {
            self.leave(&moving.path);
        }
        moved.map(|_| ())
    }

    fn look_into(&mut self, path: &Path) -> Result<(), Full> {
        self.new_folders.insert(path.to_owned());
        if self.new_folders.len() > NEW_FOLDERS { Err(Full) } else { Ok(()) }
    }

    /// A move without its other half is a removal.
    fn settle_moving(&mut self) {
        let Some(moving) = self.moving.take() else { return };
        if moving.is_dir {
            self.leave(&moving.path);
        }
        let kept = self.pending.removed(&moving.path, moving.is_dir);
        self.or_overflow(kept);
    }

    fn leave(&mut self, path: &Path) {
        let left = self.tree.remove_below(path);
        self.surplus.extend(left);
    }

    /// Begins to take the folders in anew; those there were need not be watched, unless they come again.
    pub(super) fn begin_anew(&mut self) {
        self.surplus.extend(self.tree.numbers());
        self.tree = Tree::default();
    }

    /// Every folder that is watched, also those that need not be.
    pub(super) fn all_numbers(&mut self) -> Vec<Number> {
        let mut all = self.take_surplus();
        all.extend(self.tree.numbers());
        all
    }

    /// Folders that need not be watched any more.
    pub(super) fn take_surplus(&mut self) -> Vec<Number> {
        let mut surplus = std::mem::take(&mut self.surplus);
        surplus.retain(|number| self.tree.path(*number).is_none());
        surplus
    }

    fn or_overflow(&mut self, kept: Result<(), Full>) {
        if kept.is_err() {
            self.overflow();
        }
    }
}

#[cfg(test)]
mod tests;
