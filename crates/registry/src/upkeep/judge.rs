//! Judging again: what was registered or is watched, and may not be any more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use domain::{KiteVia, TeamId, UserId, WorkspaceId};
use kite::Peer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{LOOK_AGAIN, PAUSES, Wanted};
use crate::entry::{Entry, Place};
use crate::field::field_of;
use crate::policy::{Principal, Refused, Verdict};
use crate::registry::Registry;
use crate::storage::BATCH;
use crate::watchers::End;

/// How many agents are named again at each regular look, by turns: their names are looked up one by one, and are
/// told when they change.
const NAMED_AT_ONCE: usize = 100;
/// How many kites are sent away at one look to register again. Each has days or at least hours for it.
const SENT_AWAY_AT_ONCE: usize = 100;

/// What decides alike: the person, the credential, and the team it was made for.
type Seen = (UserId, String, Option<TeamId>);

impl Registry {
    pub(super) async fn keep_judged(&self, stop: &CancellationToken) {
        let mut pause = PAUSES.0;
        let mut next = Instant::now() + LOOK_AGAIN;
        let mut last_named = None;
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
                wanted.workspaces.extend(self.next_agents(&mut last_named));
                self.state().sent_away.sweep(Instant::now());
            }
            let Some(outcome) = stop.run_until_cancelled(self.look_again(&wanted)).await else { return };
            if let Err(refused) = outcome {
                tracing::warn!(
                    error = &refused as &dyn std::error::Error,
                    "cannot judge the registrations; trying again in {pause:?}"
                );
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

    async fn look_again(&self, wanted: &Wanted) -> Result<(), Refused> {
        let named = Wanted { everybody: false, ..wanted.clone() };
        for entry in self.ours(&named) {
            self.rename_agent(&entry).await?;
        }
        let mut entries = self.ours(wanted);
        entries.sort_by_key(|entry| !named.concerns(entry));
        self.judge_entries(&entries).await?;
        self.judge_watches(wanted).await
    }

    /// Those that were named come first: something is known to have happened to them.
    async fn judge_watches(&self, wanted: &Wanted) -> Result<(), Refused> {
        // What happens to a workspace may concern whoever watches it.
        let is_asked =
            |user| wanted.everybody || !wanted.workspaces.is_empty() || wanted.users.contains(&user);
        let mut alike: HashMap<Seen, (Principal, Vec<String>)> = HashMap::new();
        for (id, principal) in self.state().watchers.of(is_asked) {
            let seen = (principal.user, principal.credential.clone(), principal.team);
            alike.entry(seen).or_insert_with(|| (principal, Vec::new())).1.push(id);
        }
        let mut alike: Vec<(Principal, Vec<String>)> = alike.into_values().collect();
        alike.sort_by_key(|(principal, _)| !wanted.users.contains(&principal.user));
        for (principal, ids) in alike {
            match self.inner.policy.viewer(&principal).await {
                Ok(viewer) => {
                    let mut state = self.state();
                    for id in ids {
                        state.watchers.judge(&id, viewer.clone());
                    }
                }
                Err(Refused::Unavailable | Refused::Throttled) => return Err(Refused::Unavailable),
                Err(_) => {
                    let mut state = self.state();
                    for id in ids {
                        state.watchers.end(&id, End::NotGood);
                    }
                }
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

    /// The workspaces of agents whose turn it is to be named again.
    fn next_agents(&self, last: &mut Option<WorkspaceId>) -> Vec<WorkspaceId> {
        let everybody = Wanted { everybody: true, ..Wanted::default() };
        let mut agents: Vec<_> = self.ours(&everybody).iter().filter_map(|entry| entry.workspace()).collect();
        agents.sort_unstable();
        let next = agents.into_iter().filter(|id| Some(*id) > *last).take(NAMED_AT_ONCE).collect::<Vec<_>>();
        *last = next.last().copied().filter(|_| next.len() == NAMED_AT_ONCE);
        next
    }

    /// Ends the registrations that may not stay, and the connections that services made them on. Those of services
    /// that should register again end too: they come back at once.
    async fn judge_entries(&self, entries: &[Arc<Entry>]) -> Result<(), Refused> {
        let mut sent_away = 0;
        for batch in entries.chunks(BATCH) {
            let verdicts = self.inner.policy.keeps(batch).await?;
            let mut agents = Vec::new();
            let peers: Vec<Peer> = self.change(|state| {
                let mut peers = Vec::new();
                for (entry, verdict) in batch.iter().zip(verdicts) {
                    match verdict {
                        Verdict::Stays => continue,
                        // It has come to somebody else, perhaps.
                        Verdict::Goes if entry.via == KiteVia::Agent => {
                            agents.push(entry);
                            continue;
                        }
                        Verdict::Goes => {}
                        Verdict::RegistersAgain => {
                            let is_there = state
                                .book
                                .index
                                .get(&entry.kite.id)
                                .is_some_and(|now| now.generation == entry.generation && now.connected);
                            if !is_there
                                || sent_away >= SENT_AWAY_AT_ONCE
                                || !state.sent_away.take(&entry.kite.id, Instant::now())
                            {
                                continue;
                            }
                            sent_away += 1;
                        }
                    }
                    peers.extend(state.connection_of(entry));
                    state.book.end(&entry.kite.id, entry.generation);
                }
                peers
            });
            peers.iter().for_each(Peer::close);
            for agent in agents {
                self.rename_agent(agent).await?;
            }
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
}
