//! What the registry does by itself: it notices who is gone, writes behind, and judges again.
//!
//! Three loops beside each other, so that a slow database keeps nobody listed.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::{KiteVia, UserId, WorkspaceId};
use kite::Peer;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::authority::Person;
use crate::entry::{Entry, Place};
use crate::field::field_of;
use crate::policy::Refused;
use crate::registry::{Registry, Whose};
use crate::storage::{BATCH, StorageError};
use crate::watchers::End;
use crate::writes::Write;

/// How exactly the end of a registration is noticed.
const TICK: Duration = Duration::from_secs(1);
/// How often everything is judged although nothing was heard, should news have got lost.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// The first and the longest pause after storage or policy did not answer.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long the last writes may take when the server stops.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What has to be looked at again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Wanted {
    everybody: bool,
    users: HashSet<UserId>,
    workspaces: HashSet<WorkspaceId>,
    reload: bool,
}

impl Wanted {
    fn add(&mut self, more: Self) {
        self.everybody |= more.everybody;
        self.users.extend(more.users);
        self.workspaces.extend(more.workspaces);
        self.reload |= more.reload;
    }

    fn concerns(&self, entry: &Entry) -> bool {
        self.everybody
            || self.users.contains(&entry.owner)
            || entry.workspace().is_some_and(|id| self.workspaces.contains(&id))
    }
}

/// Policy or storage did not answer. It is tried again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot judge the registrations")]
    Policy(#[source] Refused),
    #[error("cannot read the stored registrations")]
    Storage(#[source] StorageError),
}

impl Registry {
    /// Notices who is gone, writes behind, judges again, until stopped. Stop it before connections are closed: the
    /// kites on them are then kept for the next start, and not removed.
    pub async fn run(&self, stop: CancellationToken) {
        // Of two runs, the first one's end counts.
        self.inner.stop.set(stop.clone()).ok();
        tokio::join!(self.keep_time(&stop), self.keep_judged(&stop), self.keep_written(&stop));
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
    /// reads them again soon.
    pub fn changed_elsewhere(&self) {
        self.want(Wanted { reload: true, ..Wanted::default() });
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

    async fn keep_judged(&self, stop: &CancellationToken) {
        let mut pause = PAUSES.0;
        let mut next = Instant::now() + LOOK_AGAIN;
        loop {
            let woken = async {
                tokio::select! {
                    () = self.inner.to_judge.notified() => false,
                    () = tokio::time::sleep_until(next) => true,
                }
            };
            let Some(is_regular) = stop.run_until_cancelled(woken).await else { return };
            let mut wanted =
                std::mem::take(&mut *self.inner.wanted.lock().unwrap_or_else(PoisonError::into_inner));
            if is_regular {
                next = Instant::now() + LOOK_AGAIN;
                wanted.everybody = true;
            }
            let Some(outcome) = stop.run_until_cancelled(self.look_again(&wanted)).await else { return };
            if let Err(trouble) = outcome {
                tracing::warn!(error = &trouble as &dyn std::error::Error, "trying again in {pause:?}");
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return;
                }
                pause = pause.saturating_mul(2).min(PAUSES.1);
                self.want(wanted);
            } else {
                pause = PAUSES.0;
            }
        }
    }

    async fn look_again(&self, wanted: &Wanted) -> Result<(), Trouble> {
        if wanted.reload {
            let rows = self.inner.storage.load().await.map_err(Trouble::Storage)?;
            let at = self.now();
            self.change(|state| state.book.compare(rows, at));
        }
        // Names are looked up one by one, and hardly ever change: not for everybody.
        let named = Wanted { everybody: false, ..wanted.clone() };
        for entry in self.ours(&named) {
            self.rename_agent(&entry).await.map_err(Trouble::Policy)?;
        }
        self.judge_entries(&self.ours(wanted)).await.map_err(Trouble::Policy)?;
        // What happens to a workspace may concern whoever watches it.
        let is_asked =
            |user| wanted.everybody || !wanted.workspaces.is_empty() || wanted.users.contains(&user);
        let watches = self.state().watchers.of(is_asked);
        for (id, principal) in watches {
            match self.inner.policy.viewer(&principal).await {
                Ok(viewer) => self.state().watchers.judge(&id, viewer),
                Err(Refused::Unavailable | Refused::Throttled) => {
                    return Err(Trouble::Policy(Refused::Unavailable));
                }
                Err(_) => self.state().watchers.end(&id, End::NotGood),
            }
        }
        Ok(())
    }

    /// This server's entries that it concerns.
    fn ours(&self, wanted: &Wanted) -> Vec<Arc<Entry>> {
        let state = self.state();
        let ours = state.book.index.iter().filter(|entry| entry.server == self.inner.settings.server);
        ours.filter(|entry| wanted.concerns(entry)).cloned().collect()
    }

    /// Ends the registrations that may not stay, and the connections that services made them on.
    async fn judge_entries(&self, entries: &[Arc<Entry>]) -> Result<(), Refused> {
        for batch in entries.chunks(BATCH) {
            let verdicts = self.inner.policy.keeps(batch).await?;
            let fallen = batch.iter().zip(verdicts).filter(|(_, keeps)| !keeps).map(|(entry, _)| entry);
            let fallen: Vec<&Arc<Entry>> = fallen.collect();
            let peers: Vec<Peer> = self.change(|state| {
                let mut peers = Vec::new();
                for entry in fallen {
                    let line = state.lines.get(&entry.kite.id);
                    let line = line.filter(|line| line.generation == entry.generation);
                    // An agent's connection is not only the registry's.
                    if entry.via != KiteVia::Agent {
                        peers.extend(line.and_then(|line| line.peer.clone()));
                    }
                    state.book.end(&entry.kite.id, entry.generation);
                }
                peers
            });
            peers.iter().for_each(Peer::close);
        }
        Ok(())
    }

    /// Gives an agent's kite the names, owner and team that its workspace has now.
    async fn rename_agent(&self, entry: &Arc<Entry>) -> Result<(), Refused> {
        let Place::Workspace { id, .. } = entry.place else { return Ok(()) };
        match self.inner.policy.seat(id).await {
            Ok(seat) => self.change(|state| {
                state.book.rename(&entry.kite.id, |entry| {
                    entry.owner = seat.owner;
                    entry.place = Place::Workspace { id, team: seat.team };
                    entry.kite.username = field_of(&seat.username);
                    entry.kite.hostname = field_of(&seat.hostname);
                });
            }),
            Err(Refused::Unavailable) => return Err(Refused::Unavailable),
            Err(_) => {
                self.change(|state| state.book.end(&entry.kite.id, entry.generation));
            }
        }
        Ok(())
    }

    async fn keep_written(&self, stop: &CancellationToken) {
        let mut pause = PAUSES.0;
        while stop.run_until_cancelled(self.inner.to_write.notified()).await.is_some() {
            while let Err(error) = self.write_all().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "trying again in {pause:?}");
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    break;
                }
                pause = pause.saturating_mul(2).min(PAUSES.1);
            }
            pause = PAUSES.0;
        }
        match tokio::time::timeout(LAST_WRITES, self.write_all()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "some registrations are not stored");
            }
            Err(_) => {
                tracing::warn!("some registrations are not stored: it took longer than {LAST_WRITES:?}");
            }
        }
    }

    /// Writes until there is nothing left.
    async fn write_all(&self) -> Result<(), StorageError> {
        loop {
            let next = {
                let mut state = self.state();
                let state = &mut *state;
                state.book.writes.next(&state.book.index)
            };
            let Some(write) = next else { return Ok(()) };
            let outcome = match &write {
                Write::Remove(gone) => self.inner.storage.remove(gone).await,
                Write::Touch(seen) => self.inner.storage.touch(seen).await,
                Write::Save(entries) => self.inner.storage.save(entries).await.map(|taken| {
                    for entry in entries.iter().filter(|entry| taken.contains(&entry.kite.id)) {
                        tracing::warn!(
                            "a kite's id is in use by somebody else on another server; it is dropped here"
                        );
                        self.change(|state| state.book.end(&entry.kite.id, entry.generation));
                    }
                }),
            };
            if let Err(error) = outcome {
                self.state().book.writes.put_back(write);
                return Err(error);
            }
        }
    }
}
