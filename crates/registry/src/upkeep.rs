//! What the registry does by itself: it notices who is gone, writes behind, and judges again.
//!
//! Four loops beside each other, so that a slow database keeps nobody listed: this one, and those below `upkeep`.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;

use domain::{UserId, WorkspaceId};
use kite::Peer;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::authority::Person;
use crate::entry::Entry;
use crate::registry::{Registry, Whose};

mod compare;
mod judge;
mod write;

/// How exactly the end of a registration is noticed.
const TICK: Duration = Duration::from_secs(1);
/// How often everything is judged although nothing was heard, should news have got lost.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// The first and the longest pause after storage or policy did not answer.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What has to be looked at again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Wanted {
    everybody: bool,
    users: HashSet<UserId>,
    workspaces: HashSet<WorkspaceId>,
}

impl Wanted {
    fn add(&mut self, more: Self) {
        self.everybody |= more.everybody;
        self.users.extend(more.users);
        self.workspaces.extend(more.workspaces);
    }

    fn concerns(&self, entry: &Entry) -> bool {
        self.everybody
            || self.users.contains(&entry.owner)
            || entry.workspace().is_some_and(|id| self.workspaces.contains(&id))
    }
}

impl Registry {
    /// Notices who is gone, writes behind, judges again, until stopped. Stop it before connections are closed: the
    /// kites on them are then kept for the next start, and not removed.
    pub async fn run(&self, stop: CancellationToken) {
        // Of two runs, the first one's end counts.
        self.inner.stop.set(stop.clone()).ok();
        tokio::join!(
            self.keep_time(&stop),
            self.keep_judged(&stop),
            self.keep_compared(&stop),
            self.keep_written(&stop)
        );
    }

    /// Call after the commit. Answers about them are forgotten at once; within a second their registrations and
    /// watches are judged again.
    pub fn rights_changed(&self, whose: Whose) {
        let mut wanted = Wanted::default();
        let user = match whose {
            Whose::User(user) => {
                wanted.users.insert(user);
                Some(user)
            }
            Whose::Workspace(id) => {
                wanted.workspaces.insert(id);
                // What others may do to it is part of what is remembered of them.
                None
            }
            Whose::Everybody => {
                wanted.everybody = true;
                None
            }
        };
        self.inner.remembered.lock().unwrap_or_else(PoisonError::into_inner).forget(user);
        self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner).forget(user);
        self.want(wanted);
    }

    /// Call when another server on the same database changed stored registrations, and not for one's own changes:
    /// reads them again within moments.
    pub fn changed_elsewhere(&self) {
        self.inner.to_compare.notify_one();
    }

    /// Has what somebody just made judged again, if their rights may have changed meanwhile.
    pub(crate) fn judge_outdated(&self, person: &Person) {
        if self.is_outdated(person) {
            self.want(Wanted { users: HashSet::from([person.principal.user]), ..Wanted::default() });
        }
    }

    /// Has a workspace's kite judged and named again, that has just been registered.
    pub(crate) fn judge_seat(&self, workspace: WorkspaceId) {
        self.want(Wanted { workspaces: HashSet::from([workspace]), ..Wanted::default() });
    }

    fn want(&self, more: Wanted) {
        self.inner.wanted.lock().unwrap_or_else(PoisonError::into_inner).add(more);
        self.inner.to_judge.notify_one();
    }

    async fn keep_time(&self, stop: &CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            self.pass();
        }
    }

    /// One look at the clocks.
    fn pass(&self) {
        let at = self.now();
        let silent: Vec<Peer> = self.change(|state| {
            let lines = &state.lines;
            let silent = state.book.pass(Instant::now(), at);
            let peers = silent.iter().filter_map(|gone| {
                let line = lines.get(&gone.id).filter(|line| line.generation == gone.generation)?;
                line.peer.clone()
            });
            peers.collect()
        });
        // It may be half dead: whoever is behind it shall dial again.
        silent.iter().for_each(Peer::close);
    }
}
