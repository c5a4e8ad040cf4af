//! Who wants to be told of which kites, and about which each has to look again. Pure.
//!
//! A watch is told what is different from what it was told before, not what happened: a kite that went and came
//! back while nobody read is one event, and nothing has to be queued but ids.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::{KiteAction, UserId};
use tokio::sync::Notify;

use crate::book::News;
use crate::entry::Entry;
use crate::index::Index;
use crate::policy::{Principal, Viewer};
use crate::query::Query;

/// Most watches of one person.
const MAX_OF_USER: usize = 32;
/// Most watches at all.
const MAX_WATCHES: usize = 2000;
/// Most kites that one watch follows: twice what an answer of `getKites` holds.
const MAX_FOLLOWED: usize = 2000;

/// Why a watch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was cancelled, or its connection ended: nobody is told.
    Cancelled,
    /// The credential that it was made with is not good any more.
    NotGood,
    /// It follows too many kites, or takes too long to read.
    TooMuch,
}

/// There are as many watches as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// One event.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The kite is there, at this address; and whether the watcher may call it.
    Register { entry: Arc<Entry>, may_call: bool },
    /// The kite is not there any more, or not for the watcher.
    Deregister(Arc<Entry>),
}

/// All watches, by their ids.
#[derive(Default)]
pub(crate) struct Watchers {
    watches: HashMap<String, Watcher>,
}

struct Watcher {
    principal: Principal,
    viewer: Arc<dyn Viewer>,
    query: Query,
    /// Ids to look at again.
    pending: BTreeSet<String>,
    /// Everything has to be looked at again.
    is_judged_anew: bool,
    end: Option<End>,
    wake: Arc<Notify>,
}

/// What a watch was told of, by the kite's id.
pub(crate) type Known = HashMap<String, Arc<Entry>>;

/// What a watch has to do.
pub(crate) enum Work {
    /// Wait until woken.
    Nothing,
    /// Tell these, and ask again.
    Tell(Vec<Event>),
    /// Tell these, then that it is over, and why.
    Over(Vec<Event>, End),
}

impl Watchers {
    /// Adds a watch, which is woken through `wake`.
    pub(crate) fn add(
        &mut self,
        id: String,
        principal: Principal,
        viewer: Arc<dyn Viewer>,
        query: Query,
        wake: Arc<Notify>,
    ) -> Result<(), Full> {
        let of_user = self.watches.values().filter(|watch| watch.principal.user == principal.user).count();
        if of_user >= MAX_OF_USER || self.watches.len() >= MAX_WATCHES {
            return Err(Full);
        }
        let pending = BTreeSet::new();
        self.watches.insert(
            id,
            Watcher { principal, viewer, query, pending, is_judged_anew: false, end: None, wake },
        );
        Ok(())
    }

    /// Ends a watch of the user. `false` if there is none.
    pub(crate) fn cancel(&mut self, id: &str, user: UserId) -> bool {
        let is_theirs = self.watches.get(id).is_some_and(|watch| watch.principal.user == user);
        if is_theirs {
            self.end(id, End::Cancelled);
        }
        is_theirs
    }

    /// Forgets a watch that has ended.
    pub(crate) fn remove(&mut self, id: &str) {
        self.watches.remove(id);
    }

    /// Has all watches that it may concern look at the kite again.
    pub(crate) fn mark(&mut self, news: &News) {
        let faces = [news.was.as_ref(), news.is.as_ref()];
        let Some(id) = faces.iter().flatten().next().map(|entry| entry.kite.id.as_str()) else { return };
        for watch in self.watches.values_mut() {
            let concerns = |entry: &&Arc<Entry>| {
                watch.query.matches(&entry.kite) && watch.viewer.may(KiteAction::See, entry)
            };
            if faces.iter().flatten().any(concerns) {
                watch.pending.insert(id.to_owned());
                if watch.pending.len() > MAX_FOLLOWED {
                    watch.end.get_or_insert(End::TooMuch);
                }
                watch.wake.notify_one();
            }
        }
    }

    /// The watches of some people, or of all, to be judged again.
    pub(crate) fn of(&self, is_asked: impl Fn(UserId) -> bool) -> Vec<(String, Principal)> {
        let asked = self.watches.iter().filter(|(_, watch)| is_asked(watch.principal.user));
        asked.map(|(id, watch)| (id.clone(), watch.principal.clone())).collect()
    }

    /// Has a watch look with other eyes.
    pub(crate) fn judge(&mut self, id: &str, viewer: Arc<dyn Viewer>) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.viewer = viewer;
            watch.is_judged_anew = true;
            watch.wake.notify_one();
        }
    }

    /// Ends a watch; it tells so itself.
    pub(crate) fn end(&mut self, id: &str, end: End) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.end.get_or_insert(end);
            watch.wake.notify_one();
        }
    }

    /// What the watch has to do now, at most `limit` events of it, and what it knows once it has.
    pub(crate) fn work(&mut self, id: &str, index: &Index, known: &mut Known, limit: usize) -> Work {
        let Some(watch) = self.watches.get_mut(id) else { return Work::Over(Vec::new(), End::Cancelled) };
        match watch.end {
            // What it could see is taken back before it is told why.
            Some(End::NotGood) => {
                let gone = known.drain().map(|(_, entry)| Event::Deregister(entry)).collect();
                return Work::Over(gone, End::NotGood);
            }
            Some(end) => return Work::Over(Vec::new(), end),
            None => {}
        }
        if std::mem::take(&mut watch.is_judged_anew) {
            let seen = index.select(Some(&watch.query), watch.viewer.as_ref(), KiteAction::See);
            watch.pending.extend(seen.iter().map(|entry| entry.kite.id.clone()));
            watch.pending.extend(known.keys().cloned());
        }
        let mut events = Vec::new();
        while events.len() < limit {
            let Some(id) = watch.pending.pop_first() else { break };
            let is_seen = |entry: &&Arc<Entry>| {
                watch.query.matches(&entry.kite) && watch.viewer.may(KiteAction::See, entry)
            };
            let is = index.get(&id).filter(is_seen);
            let may_call = is.is_some_and(|entry| watch.viewer.may(KiteAction::Call, entry));
            difference(known, &id, is, may_call, &mut events);
        }
        if known.len() > MAX_FOLLOWED {
            return Work::Over(events, End::TooMuch);
        }
        if events.is_empty() { Work::Nothing } else { Work::Tell(events) }
    }
}

/// What has to be told about one kite.
fn difference(known: &mut Known, id: &str, is: Option<&Arc<Entry>>, may_call: bool, events: &mut Vec<Event>) {
    let was = known.get(id);
    match (was, is) {
        (Some(was), Some(is))
            if was.generation == is.generation && was.kite == is.kite && was.url == is.url =>
        {
            return;
        }
        // Whoever keeps a list by all seven fields must not keep the old ones.
        (Some(was), Some(is)) if was.kite != is.kite => events.push(Event::Deregister(was.clone())),
        (Some(was), None) => events.push(Event::Deregister(was.clone())),
        (Some(_) | None, Some(_)) => {}
        (None, None) => return,
    }
    match is {
        Some(entry) => {
            known.insert(id.to_owned(), entry.clone());
            events.push(Event::Register { entry: entry.clone(), may_call });
        }
        None => {
            known.remove(id);
        }
    }
}
