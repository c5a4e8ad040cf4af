//! The registrations as a whole: who is in, for how long, and what has to be written. Pure: times are arguments.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{SignedDuration, Timestamp, UserId};
use tokio::time::Instant;

use crate::entry::{Change, Entry, Place};
use crate::index::Index;
use crate::liveness::Liveness;
use crate::storage::Registration;
use crate::writes::{Write, Writes};

/// Most services of one owner: a hundred machines with ten each.
const MAX_SERVICES_OF_OWNER: usize = 1000;
/// Most kites at all; each takes about a kilobyte.
const MAX_KITES: usize = 100_000;
/// How often `seen_at` is written at most. The original's interval.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// When a row of another server is no proof of anything any more: it missed two writes of `seen_at`.
const ELSEWHERE_LIMIT: SignedDuration = SignedDuration::from_secs(150);

/// How the end of a registration is noticed, besides its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its connection is watched over by whoever owns it.
    Connection,
    /// It sends heartbeats.
    Heartbeats,
}

/// Why a registration is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The id is in use by somebody else.
    Taken,
    /// The owner has as many as one may have, or all together have.
    TooMany,
}

/// What happened to one kite: as it was, as it is.
#[derive(Debug, Clone)]
pub(crate) struct News {
    pub(crate) was: Option<Arc<Entry>>,
    pub(crate) is: Option<Arc<Entry>>,
}

impl News {
    /// What is told to others.
    pub(crate) fn change(&self) -> Option<Change> {
        match (&self.was, &self.is) {
            (_, Some(is)) if self.is_another() => Some(Change::Registered(is.clone())),
            (_, Some(is)) => Some(Change::Updated(is.clone())),
            (Some(was), None) => Some(Change::Deregistered(was.clone())),
            (None, None) => None,
        }
    }

    /// Whether it is another registration than before, or the same with another face.
    fn is_another(&self) -> bool {
        match (&self.was, &self.is) {
            (Some(was), Some(is)) => {
                was.generation != is.generation
                    || was.kite != is.kite
                    || was.url != is.url
                    || was.place != is.place
            }
            _ => true,
        }
    }
}

/// All registrations.
pub(crate) struct Book {
    server: String,
    restart_grace: Duration,
    pub(crate) index: Index,
    liveness: Liveness,
    pub(crate) writes: Writes,
    news: Vec<News>,
}

impl Book {
    /// Nobody yet. `silence` is how long a kite that sends heartbeats may be silent.
    pub(crate) fn new(server: String, silence: Duration, restart_grace: Duration) -> Self {
        Self {
            server,
            restart_grace,
            index: Index::default(),
            liveness: Liveness::new(silence),
            writes: Writes::default(),
            news: Vec::new(),
        }
    }

    /// The next batch to write, of entries as they are now.
    pub(crate) fn next_write(&mut self) -> Option<Write> {
        self.writes.next(&self.index, &self.server)
    }

    /// What happened since this was last asked.
    pub(crate) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Takes a registration, in the place of the owner's earlier one of this id.
    pub(crate) fn admit(&mut self, mut entry: Entry, proof: Proof, now: Instant) -> Result<(), Conflict> {
        match self.index.get(&entry.kite.id) {
            Some(was) if !may_replace(was, &entry) => return Err(Conflict::Taken),
            Some(was) => {
                entry.tokens = was.tokens;
                if self.is_ours(was) {
                    self.writes.remove(registration(was));
                }
            }
            None if self.index.len() >= MAX_KITES || self.is_full(&entry) => return Err(Conflict::TooMany),
            None => {}
        }
        match proof {
            Proof::Connection => self.liveness.forget(&entry.kite.id),
            Proof::Heartbeats => self.liveness.expect(&entry.kite.id, now),
        }
        self.writes.save(&entry.kite.id);
        self.put(entry);
        Ok(())
    }

    /// Heard of a registration: `generation`, or whichever there is. `false` if it is not there.
    pub(crate) fn beat(
        &mut self,
        id: &str,
        generation: Option<u64>,
        now: Instant,
        seen_at: Timestamp,
    ) -> bool {
        let Some(was) = self.index.get(id).filter(|entry| self.is_ours(entry)).cloned() else { return false };
        if generation.is_some_and(|generation| generation != was.generation) || !self.liveness.beat(id, now) {
            return false;
        }
        if !was.connected {
            let is = self.index.update(id, |marks| *marks.connected = true).cloned();
            self.news.push(News { was: Some(was.clone()), is });
        }
        self.see(&was, seen_at);
        true
    }

    /// Writes down that a kite was seen, unless that was done within the minute.
    fn see(&mut self, entry: &Entry, at: Timestamp) {
        if at.duration_since(entry.seen_at).abs() >= SEEN_EVERY {
            self.index.update(&entry.kite.id, |marks| *marks.seen_at = at);
            self.writes.touch(&entry.kite.id);
        }
    }

    /// Notes the counts that a kite tells about itself; they never fall while it is the same registration.
    pub(crate) fn report(&mut self, id: &str, calls: u64, errors: u64) {
        let Some(was) = self.index.get(id).cloned() else { return };
        let is = self.index.update(id, |marks| {
            *marks.calls = Some(calls.max(marks.calls.unwrap_or(0)));
            *marks.errors = Some(errors.max(marks.errors.unwrap_or(0)));
        });
        let is = is.cloned();
        self.news.push(News { was: Some(was), is });
    }

    /// Counts a token that was signed.
    pub(crate) fn count_token(&mut self, id: &str) {
        self.index.update(id, |marks| *marks.tokens = marks.tokens.saturating_add(1));
    }

    /// Ends a registration, unless another took its place. Answers whether it was there.
    pub(crate) fn end(&mut self, id: &str, generation: u64) -> bool {
        let is_it = self.index.get(id).is_some_and(|entry| entry.generation == generation);
        if is_it {
            self.drop_entry(id);
        }
        is_it
    }

    /// Gives an agent's kite the names, owner and team that its workspace has now.
    pub(crate) fn rename(&mut self, id: &str, change: impl FnOnce(&mut Entry)) {
        let Some(was) = self.index.get(id) else { return };
        let mut entry = Entry::clone(was);
        change(&mut entry);
        if **was != entry {
            self.writes.save(id);
            self.put(entry);
        }
    }

    /// One look at the clocks: those that fell silent go, and connections that stand are seen.
    pub(crate) fn pass(&mut self, now: Instant, at: Timestamp) -> Vec<Registration> {
        let silent: Vec<Registration> = self
            .liveness
            .gone(now)
            .iter()
            .filter_map(|id| self.index.get(id))
            .map(|entry| registration(entry))
            .collect();
        for gone in &silent {
            self.drop_entry(&gone.id);
        }
        let due = |entry: &&Arc<Entry>| at.duration_since(entry.seen_at).abs() >= SEEN_EVERY;
        let due: Vec<_> = self.index.iter().filter(due).cloned().collect();
        for entry in due {
            if !self.is_ours(&entry) {
                if at.duration_since(entry.seen_at) >= ELSEWHERE_LIMIT {
                    self.drop_entry(&entry.kite.id);
                }
            } else if entry.connected && entry.via == domain::KiteVia::Agent {
                self.see(&entry, at);
            }
        }
        silent
    }

    /// Takes what was stored before this server started. Its own have to come back.
    pub(crate) fn restore(&mut self, rows: Vec<Entry>, now: Instant, at: Timestamp) {
        for mut row in rows {
            if self.index.get(&row.kite.id).is_some() {
                continue;
            }
            if self.is_ours(&row) {
                row.connected = false;
                self.liveness.expect_within(&row.kite.id, now, self.restart_grace);
                self.put(row);
            } else {
                self.take_foreign(row, now, at);
            }
        }
    }

    /// Compares with what is stored now, and takes over what other servers changed.
    pub(crate) fn compare(&mut self, rows: Vec<Entry>, now: Instant, at: Timestamp) {
        let stored: HashSet<String> = rows.iter().map(|row| row.kite.id.clone()).collect();
        let missing: Vec<_> =
            self.index.iter().filter(|entry| !stored.contains(&entry.kite.id)).cloned().collect();
        for entry in missing {
            if !self.is_ours(&entry) {
                self.drop_entry(&entry.kite.id);
            } else if at.duration_since(entry.registered_at) >= ELSEWHERE_LIMIT && self.is_alive(&entry, now)
            {
                // Another server took this one for dead. A younger one is being written.
                self.writes.save(&entry.kite.id);
            }
        }
        for row in rows {
            if !self.is_ours(&row) {
                self.take_foreign(row, now, at);
            } else if self.index.get(&row.kite.id).is_none_or(|entry| entry.generation != row.generation) {
                // Not ours any more, and its removal or replacement is under way or got lost.
                self.writes.remove(registration(&row));
            }
        }
    }

    fn take_foreign(&mut self, mut row: Entry, now: Instant, at: Timestamp) {
        if at.duration_since(row.seen_at) >= ELSEWHERE_LIMIT {
            self.writes.remove(registration(&row));
            if self.index.get(&row.kite.id).is_some_and(|entry| !self.is_ours(entry)) {
                self.drop_entry(&row.kite.id);
            }
            return;
        }
        row.connected = true;
        match self.index.get(&row.kite.id) {
            // Clocks differ: one that is silent here may just have moved there, whatever the times say.
            Some(was)
                if self.is_ours(was) && row.registered_at <= was.registered_at && self.is_alive(was, now) =>
            {
                self.writes.save(&row.kite.id);
            }
            Some(was) if was.generation == row.generation => {
                let seen_at = row.seen_at;
                if was.kite == row.kite && was.place == row.place && was.owner == row.owner {
                    self.index.update(&row.kite.id, |marks| *marks.seen_at = seen_at);
                } else {
                    self.put(row);
                }
            }
            _ => {
                self.liveness.forget(&row.kite.id);
                self.put(row);
            }
        }
    }

    fn put(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        let was = self.index.insert(entry.clone());
        self.news.push(News { was, is: Some(entry) });
    }

    fn drop_entry(&mut self, id: &str) {
        self.liveness.forget(id);
        if let Some(was) = self.index.remove(id) {
            self.writes.remove(registration(&was));
            self.news.push(News { was: Some(was), is: None });
        }
    }

    /// Whether one of ours is there, as far as is known.
    fn is_alive(&self, entry: &Entry, now: Instant) -> bool {
        entry.connected && self.liveness.is_fresh(&entry.kite.id, now)
    }

    fn is_ours(&self, entry: &Entry) -> bool {
        entry.server == self.server
    }

    fn is_full(&self, entry: &Entry) -> bool {
        matches!(entry.place, Place::Service { .. }) && self.services_of(entry.owner) >= MAX_SERVICES_OF_OWNER
    }

    fn services_of(&self, owner: UserId) -> usize {
        self.index.of_owner(owner).filter(|entry| matches!(entry.place, Place::Service { .. })).count()
    }
}

/// Names the entry's registration.
pub(crate) fn registration(entry: &Entry) -> Registration {
    Registration { id: entry.kite.id.clone(), generation: entry.generation }
}

/// Whether a new registration may take an earlier one's place: the owner's own, or the same workspace's, which may
/// have come to another owner. A service never takes a workspace's.
fn may_replace(was: &Entry, new: &Entry) -> bool {
    match (was.workspace(), new.workspace()) {
        (Some(was), Some(new)) => was == new,
        (None, None) => was.owner == new.owner,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests;
