//! What the other end may call: our functions, and the answers we wait for, by their ids.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::arguments::Arguments;
use crate::error::Error;
use crate::function::{Function, Group, Handler};

/// What a call ended with.
pub(super) type Answer = Result<Arguments, Error>;

/// Our functions and open calls of one connection. Ids are counted from 0 and never used twice.
#[derive(Default)]
pub(super) struct Table {
    entries: HashMap<u64, Entry>,
    next: u64,
    functions: usize,
}

enum Entry {
    Answer(oneshot::Sender<Answer>),
    Function { group: Arc<Group>, handler: Arc<Handler> },
}

/// What an id leads to.
pub(super) enum Target {
    /// Somebody who waits for an answer; they are no longer in the table.
    Answer(oneshot::Sender<Answer>),
    Function {
        group: Arc<Group>,
        handler: Arc<Handler>,
    },
    /// It was ours and is no more.
    Late,
    /// It never was ours.
    Unknown,
}

/// An entry that left the table. It is dropped outside of the connection's lock, because what it holds may want that lock.
#[must_use]
pub(super) struct Removed(#[expect(dead_code, reason = "held to be dropped later")] Option<Entry>);

impl Table {
    pub(super) fn expect_answer(&mut self) -> (u64, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        (self.insert(Entry::Answer(sender)), receiver)
    }

    /// Takes a function in; none if there are `most` already.
    pub(super) fn add(&mut self, function: &Function, most: usize) -> Option<u64> {
        if self.functions >= most {
            return None;
        }
        self.functions += 1;
        Some(
            self.insert(Entry::Function { group: function.group.clone(), handler: function.handler.clone() }),
        )
    }

    pub(super) fn remove(&mut self, id: u64) -> Removed {
        let entry = self.entries.remove(&id);
        if matches!(entry, Some(Entry::Function { .. })) {
            self.functions -= 1;
        }
        self.shrink();
        Removed(entry)
    }

    /// Finds what the other end calls. An answer is taken out: whatever comes after it is late.
    pub(super) fn find(&mut self, id: u64) -> Target {
        match self.entries.get(&id) {
            Some(Entry::Function { group, handler }) => {
                Target::Function { group: group.clone(), handler: handler.clone() }
            }
            Some(Entry::Answer(_)) => match self.entries.remove(&id) {
                Some(Entry::Answer(sender)) => {
                    self.shrink();
                    Target::Answer(sender)
                }
                _ => Target::Late,
            },
            None if id < self.next => Target::Late,
            None => Target::Unknown,
        }
    }

    /// Open calls, and functions that can be called.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.entries.len() - self.functions, self.functions)
    }

    fn insert(&mut self, entry: Entry) -> u64 {
        let id = self.next;
        self.next += 1;
        self.entries.insert(id, entry);
        id
    }

    /// An idle connection is small, also after it was busy.
    fn shrink(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > 1024 {
            self.entries = HashMap::new();
        }
    }
}
