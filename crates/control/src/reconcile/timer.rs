//! What the passing of time does: deadlines, leases, expiries, and everything that may have got lost.

use std::collections::HashSet;
use std::time::Duration;

use domain::{Event, Phase, Timestamp, WorkspaceId};
use tokio::time::Instant;

use super::SETTLING;
use super::sweep::has_sandbox;
use super::worker::LEASE;
use crate::control::Control;
use crate::error::Error;
use crate::idempotency::KEPT;
use crate::workspace::EFFECT_TOPIC;

/// How often leases are renewed: three may get lost before one ends.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// How often agents are asked for activity, and what has expired is removed.
const CARE_EVERY: Duration = Duration::from_mins(1);
/// How often the machine is compared with the records.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

impl Control {
    /// Does what is due, for ever.
    pub(super) async fn keep_time(self, every: Duration) {
        // Agents come back in milliseconds; a deadline that passed while no server ran is not theirs.
        tokio::time::sleep(SETTLING.min(every * 5)).await;
        let mut due = Due::new(Instant::now());
        loop {
            let now = Instant::now();
            due.if_due(now, RENEW_EVERY, |due| &mut due.renew, self.renew_leases()).await;
            due.if_due(now, CARE_EVERY, |due| &mut due.care, self.expire()).await;
            due.if_due(now, SWEEP_EVERY, |due| &mut due.sweep, async {
                self.sweep().await;
                Ok(())
            })
            .await;
            if let Err(error) = self.pass().await {
                tracing::warn!(error = %error, "cannot look what is due");
            }
            tokio::time::sleep(every).await;
        }
    }

    /// One look at every workspace: deadlines that have passed, effects and watchers that got lost. The
    /// timer does this every few seconds; doing it more often changes nothing.
    pub async fn pass(&self) -> Result<(), Error> {
        let now = self.now();
        let all = self.every_workspace().await?;
        for (id, phase) in &all {
            if deadline(phase).is_some_and(|deadline| now >= deadline) {
                self.report(*id, &Event::TimePassed, |_| true).await?;
            }
            if has_sandbox(phase) && !self.inner.watchers.has(*id) {
                self.watch_again(*id).await?;
            }
        }
        self.put_back(&all).await?;
        let there: HashSet<WorkspaceId> = all.iter().map(|(id, _)| *id).collect();
        self.inner.watchers.retain(|id| there.contains(id));
        self.inner.wake.notify_one();
        self.inner.job_wake.notify_one();
        Ok(())
    }

    /// Removes what has expired (sessions, remembered answers, invitations, round trips to forges and between
    /// hosts, kite keys and the registry's keys), and asks agents for activity.
    pub async fn expire(&self) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        tx.delete_expired_sessions(now).await?;
        tx.sweep_invitations(now).await?;
        tx.sweep_handoffs(now).await?;
        tx.sweep_attempts(now).await?;
        tx.forget_before(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)).await?;
        tx.commit().await?;
        self.sweep_registry_keys().await?;
        let all = self.every_workspace().await?;
        self.collect_activity(&all);
        Ok(())
    }

    /// Puts effects back that the outbox should hold and does not.
    async fn put_back(&self, all: &[(WorkspaceId, Phase)]) -> Result<(), Error> {
        let mut lost: Vec<WorkspaceId> =
            all.iter().filter(|(id, phase)| self.is_adrift(*id, phase)).map(|(id, _)| *id).collect();
        // Twice: a server that is just claiming one hides it from this look.
        for _ in 0..2 {
            if lost.is_empty() {
                return Ok(());
            }
            let present = self.outbox().await?;
            lost.retain(|id| !present.contains(id));
        }
        for id in lost {
            let mut tx = self.inner.store.begin().await?;
            let found = tx.workspace_for_update(id).await?;
            if let Some(effect) =
                found.filter(|found| self.is_adrift(id, &found.phase)).and_then(|found| found.phase.effect())
            {
                tracing::warn!(workspace.id = %id, "putting a lost effect back");
                tx.put_effect(id, effect, self.now()).await?;
                tx.nudge(format!("{EFFECT_TOPIC}{id}"));
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Whether the workspace wants something done that nobody here is doing.
    fn is_adrift(&self, id: WorkspaceId, phase: &Phase) -> bool {
        phase.effect().is_some() && !self.inner.flights.has(id)
    }

    /// The workspaces for which the outbox holds an effect, claimed or not.
    async fn outbox(&self) -> Result<HashSet<WorkspaceId>, Error> {
        let mut tx = self.inner.store.begin().await?;
        // Everything is due and every lease has run out at the end of time. Not committed, so nothing
        // is really claimed.
        let end = Timestamp::MAX;
        let all = tx.claim_effects(end, end, &self.inner.settings.server, u32::MAX >> 1).await?;
        Ok(all.into_iter().map(|claim| claim.workspace).collect())
    }

    /// Holds on to what is being performed.
    async fn renew_leases(&self) -> Result<(), Error> {
        let flights = self.inner.flights.all();
        if flights.is_empty() {
            return Ok(());
        }
        let until = self.now().checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let mut lost = Vec::new();
        let mut tx = self.inner.store.begin().await?;
        for (id, generation) in flights {
            if !tx.renew_effect(id, generation, &self.inner.settings.server, until).await? {
                lost.push((id, generation));
            }
        }
        tx.commit().await?;
        for (id, generation) in lost {
            self.inner.flights.cancel(id, generation);
        }
        Ok(())
    }
}

fn deadline(phase: &Phase) -> Option<Timestamp> {
    match phase {
        Phase::Starting { deadline } | Phase::Initialising { deadline } => Some(*deadline),
        _ => None,
    }
}

/// When each kind of care was last taken.
struct Due {
    renew: Instant,
    care: Instant,
    sweep: Instant,
}

impl Due {
    fn new(now: Instant) -> Self {
        Self { renew: now, care: now, sweep: now }
    }

    async fn if_due(
        &mut self,
        now: Instant,
        every: Duration,
        last: impl Fn(&mut Self) -> &mut Instant,
        work: impl Future<Output = Result<(), Error>>,
    ) {
        let last = last(self);
        if now.duration_since(*last) < every {
            return;
        }
        *last = now;
        if let Err(error) = work.await {
            tracing::warn!(error = %error, "cannot do what is due");
        }
    }
}
