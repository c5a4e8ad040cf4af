//! All registered kites, found by id, owner, team, user name or name. Pure.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use domain::{KiteAction, TeamId, UserId};

use crate::entry::{Entry, Place};
use crate::policy::{Range, Viewer};
use crate::query::Query;

/// Ids, shared by all that name them.
type Ids = BTreeSet<Arc<str>>;

/// The kites by id, and sets of ids for what is asked for most.
///
/// Invariant: every entry is in exactly the sets that its fields name, and no set is empty.
#[derive(Default)]
pub(crate) struct Index {
    entries: HashMap<Arc<str>, Arc<Entry>>,
    by_owner: HashMap<UserId, Ids>,
    by_team: HashMap<TeamId, Ids>,
    by_username: HashMap<String, Ids>,
    by_name: HashMap<String, Ids>,
}

impl Index {
    /// The entry of this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Entry>> {
        self.entries.get(id)
    }

    /// Adds an entry, or puts it in the place of the one with its id, which is given back.
    pub(crate) fn insert(&mut self, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        let replaced = self.remove(&entry.kite.id);
        let id: Arc<str> = entry.kite.id.as_str().into();
        self.by_owner.entry(entry.owner).or_default().insert(id.clone());
        if let Some(team) = team(&entry) {
            self.by_team.entry(team).or_default().insert(id.clone());
        }
        self.by_username.entry(entry.kite.username.clone()).or_default().insert(id.clone());
        self.by_name.entry(entry.kite.name.clone()).or_default().insert(id.clone());
        self.entries.insert(id, entry);
        replaced
    }

    /// Takes the entry of this id out.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(id)?;
        take(&mut self.by_owner, &entry.owner, id);
        if let Some(team) = team(&entry) {
            take(&mut self.by_team, &team, id);
        }
        take(&mut self.by_username, &entry.kite.username, id);
        take(&mut self.by_name, &entry.kite.name, id);
        Some(entry)
    }

    /// Changes what no set is made of: times, counts, whether it is connected. Copies the entry if somebody
    /// else holds it.
    pub(crate) fn update(&mut self, id: &str, change: impl FnOnce(&mut Marks<'_>)) -> Option<&Arc<Entry>> {
        let shared = self.entries.get_mut(id)?;
        let entry = Arc::make_mut(shared);
        change(&mut Marks {
            seen_at: &mut entry.seen_at,
            connected: &mut entry.connected,
            calls: &mut entry.calls,
            errors: &mut entry.errors,
            tokens: &mut entry.tokens,
        });
        Some(shared)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// Those of one owner, by id.
    pub(crate) fn of_owner(&self, owner: UserId) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_owner.get(&owner).into_iter().flatten().filter_map(|id| self.entries.get(id))
    }

    /// What matches the query (everything without one) and the viewer may do this with, each once, in no order.
    ///
    /// Looks only at the smallest set that has all of it: those in the viewer's range, or those of the user name
    /// or name that is asked for.
    pub(crate) fn select(
        &self,
        query: Option<&Query>,
        viewer: &dyn Viewer,
        action: KiteAction,
    ) -> Vec<Arc<Entry>> {
        let is_wanted = |entry: &&Arc<Entry>| {
            query.is_none_or(|query| query.matches(&entry.kite)) && viewer.may(action, entry)
        };
        if let Some(id) = query.and_then(|query| query.id.as_deref()) {
            return self.get(id).filter(is_wanted).cloned().into_iter().collect();
        }
        let named = query.into_iter().flat_map(|query| {
            [
                query.username.as_deref().map(|name| self.by_username.get(name)),
                query.name.as_deref().map(|name| self.by_name.get(name)),
            ]
        });
        let mut smallest: Option<Vec<&Ids>> = self.in_range(viewer.range());
        for ids in named.flatten() {
            let ids: Vec<&Ids> = ids.into_iter().collect();
            if smallest.as_ref().is_none_or(|sets| total(&ids) < total(sets)) {
                smallest = Some(ids);
            }
        }
        match smallest {
            None => self.entries.values().filter(is_wanted).cloned().collect(),
            Some(sets) if sets.len() < 2 => {
                self.among(sets.into_iter().flatten()).filter(is_wanted).cloned().collect()
            }
            // Sets of owners and of teams overlap.
            Some(sets) => {
                let ids: BTreeSet<&Arc<str>> = sets.into_iter().flatten().collect();
                self.among(ids.into_iter()).filter(is_wanted).cloned().collect()
            }
        }
    }

    fn among<'a>(&'a self, ids: impl Iterator<Item = &'a Arc<str>>) -> impl Iterator<Item = &'a Arc<Entry>> {
        ids.filter_map(|id| self.entries.get(id))
    }

    /// The sets that hold everything in the range; `None` for all there is.
    fn in_range(&self, range: Range) -> Option<Vec<&Ids>> {
        let Range::Of { owners, teams } = range else { return None };
        let owners = owners.iter().filter_map(|owner| self.by_owner.get(owner));
        let teams = teams.iter().filter_map(|team| self.by_team.get(team));
        Some(owners.chain(teams).collect())
    }
}

/// What [`Index::update`] may change of an entry.
pub(crate) struct Marks<'a> {
    pub(crate) seen_at: &'a mut domain::Timestamp,
    pub(crate) connected: &'a mut bool,
    pub(crate) calls: &'a mut Option<u64>,
    pub(crate) errors: &'a mut Option<u64>,
    pub(crate) tokens: &'a mut u64,
}

fn team(entry: &Entry) -> Option<TeamId> {
    match entry.place {
        Place::Workspace { team, .. } => Some(team),
        Place::Service { team } => team,
    }
}

fn total(sets: &[&Ids]) -> usize {
    sets.iter().map(|ids| ids.len()).sum()
}

fn take<K, Q>(sets: &mut HashMap<K, Ids>, key: &Q, id: &str)
where
    K: Eq + Hash + Borrow<Q>,
    Q: Eq + Hash + ?Sized,
{
    if let Some(ids) = sets.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            sets.remove(key);
        }
    }
}
