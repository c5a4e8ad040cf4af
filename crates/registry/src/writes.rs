//! What has to be written to storage. Which entry is written is decided when it is written, so that two changes of one
//! kite cannot arrive in the wrong order.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::book::registration;
use crate::entry::Entry;
use crate::index::Index;
use crate::storage::{BATCH, Registration, Seen};

/// Ids to look at, each once, and registrations to remove. Bounded by the kites and their ends since storage last
/// worked.
#[derive(Default)]
pub(crate) struct Writes {
    removals: BTreeSet<Registration>,
    saves: BTreeSet<String>,
    touches: BTreeSet<String>,
}

/// One batch of one kind. Removals come first: what is removed and saved has been replaced.
pub(crate) enum Write {
    Remove(Vec<Registration>),
    Save(Vec<Arc<Entry>>),
    Touch(Vec<Seen>),
}

/// How many removals are remembered while storage does not work. Beyond it they are left to the restart or to
/// the other servers, who remove what nobody has seen.
const MAX_REMOVALS: usize = 100_000;

impl Writes {
    pub(crate) fn save(&mut self, id: &str) {
        self.saves.insert(id.to_owned());
    }

    pub(crate) fn remove(&mut self, gone: Registration) {
        if self.removals.len() < MAX_REMOVALS {
            self.removals.insert(gone);
        }
    }

    pub(crate) fn touch(&mut self, id: &str) {
        self.touches.insert(id.to_owned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.removals.is_empty() && self.saves.is_empty() && self.touches.is_empty()
    }

    /// Takes the next batch, of entries as they are now. Of those that another server has taken over meanwhile there
    /// is nothing to write: that is its own business.
    pub(crate) fn next(&mut self, index: &Index, server: &str) -> Option<Write> {
        let own = |id: &String| index.get(id).filter(|entry| entry.server == server);
        let removals = take(&mut self.removals);
        if !removals.is_empty() {
            return Some(Write::Remove(removals));
        }
        while !self.saves.is_empty() {
            let ids = take(&mut self.saves);
            let entries: Vec<_> = ids.iter().filter_map(own).cloned().collect();
            if !entries.is_empty() {
                return Some(Write::Save(entries));
            }
        }
        while !self.touches.is_empty() {
            let ids = take(&mut self.touches);
            let seen = |entry: &Arc<Entry>| Seen { registration: registration(entry), at: entry.seen_at };
            let seen: Vec<_> = ids.iter().filter_map(own).map(seen).collect();
            if !seen.is_empty() {
                return Some(Write::Touch(seen));
            }
        }
        None
    }

    /// Takes back what could not be written.
    pub(crate) fn put_back(&mut self, write: Write) {
        match write {
            Write::Remove(gone) => gone.into_iter().for_each(|gone| self.remove(gone)),
            Write::Save(entries) => entries.iter().for_each(|entry| self.save(&entry.kite.id)),
            Write::Touch(seen) => seen.iter().for_each(|seen| self.touch(&seen.registration.id)),
        }
    }
}

fn take<T: Ord>(set: &mut BTreeSet<T>) -> Vec<T> {
    std::iter::from_fn(|| set.pop_first()).take(BATCH).collect()
}
