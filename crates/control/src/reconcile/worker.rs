//! The worker: claims what is due and flies it.

use std::time::Duration;

use domain::{Effect, Event, SignedDuration, Timestamp, Workspace, WorkspaceId};
use store::{ClaimedEffect, EVERYTHING, Topic, Tx};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use vault::Token;

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::error::Error;
use crate::trouble::{Kind, Trouble};
use crate::workspace::EFFECT_TOPIC;

/// Effects claimed at once. Claiming costs nothing; the machine's turns are counted elsewhere.
const BATCH: u32 = 64;
/// How long a claim lasts without being renewed: what a dead server's work waits for another one.
pub(super) const LEASE: SignedDuration = SignedDuration::from_mins(1);
/// Pause after the store did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause without a nudge where there is no timer.
const IDLE: Duration = Duration::from_mins(1);

/// What one leg of a flight hands to the next one.
#[derive(Default)]
pub(super) struct Carried {
    /// The agent's credential, whose hash was stored when the leg before was settled.
    pub(super) credential: Option<Token>,
}

impl Control {
    /// Claims and flies for ever.
    pub(super) async fn work(self, mut nudges: broadcast::Receiver<Topic>) {
        let pause = self.inner.settings.timer.unwrap_or(IDLE);
        loop {
            match self.claim().await {
                Ok(claimed) if claimed >= BATCH as usize => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "cannot claim work");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
            tokio::select! {
                () = self.inner.wake.notified() => {}
                () = self.heard(&mut nudges) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Waits until somebody wants an effect.
    async fn heard(&self, nudges: &mut broadcast::Receiver<Topic>) {
        loop {
            match nudges.recv().await {
                Ok(topic) if *topic == *EVERYTHING => return,
                Ok(topic) => {
                    if let Some(id) = topic.strip_prefix(EFFECT_TOPIC).and_then(|id| id.parse().ok()) {
                        self.recheck(id).await;
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Ends a flight that another server's change has overtaken.
    async fn recheck(&self, id: WorkspaceId) {
        if !self.inner.flights.has(id) {
            return;
        }
        let found = async { Ok::<_, Error>(self.inner.store.read().await?.workspace(id).await?) };
        if let Ok(Some(workspace)) = found.await {
            self.inner.flights.overtaken(id, &workspace.phase);
        }
    }

    async fn claim(&self) -> Result<usize, Error> {
        let mut tx = self.inner.store.begin().await?;
        let claims = self.claim_in(&mut tx, self.now()).await?;
        if !claims.is_empty() {
            tx.commit().await?;
        }
        let count = claims.len();
        for claim in claims {
            self.dispatch(claim);
        }
        Ok(count)
    }

    /// Claims what is due, within a transaction that does something else as well.
    pub(super) async fn claim_in(&self, tx: &mut Tx, now: Timestamp) -> Result<Vec<ClaimedEffect>, Error> {
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        Ok(tx.claim_effects(now, until, &self.inner.settings.server, BATCH).await?)
    }

    /// Lets a claimed effect take off.
    pub(super) fn dispatch(&self, claim: ClaimedEffect) {
        let tasks = &self.inner.tasks;
        if let Some(cancel) = self.inner.flights.take_off(&claim, tasks.life()) {
            let name = format!("{:?} {}", claim.effect, claim.workspace);
            tasks.spawn(name, self.clone().fly(claim, cancel));
        }
    }

    /// Performs an effect, and then those that follow from it, until there is none or it is overtaken.
    async fn fly(self, mut claim: ClaimedEffect, cancel: CancellationToken) {
        let turn = self.inner.locks.lock(claim.workspace).await;
        let mut carried = Carried::default();
        while !cancel.is_cancelled() {
            match self.leg(&claim, carried, &cancel).await {
                Ok(Some((next, luggage))) if self.inner.flights.go_on(&claim, &next) => {
                    (claim, carried) = (next, luggage);
                }
                Ok(_) => break,
                Err(error) => {
                    // Performed again, which changes nothing, once the store answers.
                    tracing::warn!(workspace.id = %claim.workspace, error = %error, "cannot record what was done");
                    carried = Carried::default();
                    cancel.run_until_cancelled(tokio::time::sleep(STORE_PAUSE)).await;
                }
            }
        }
        drop(turn);
        let was_last = self.inner.flights.land(&claim);
        // Usually something newer is wanted, and this changes nothing. But news can be late, and then
        // what was ended is still wanted: somebody has to take it up again.
        if was_last && cancel.is_cancelled() {
            self.give_back(&claim).await;
        }
    }

    async fn give_back(&self, claim: &ClaimedEffect) {
        let given = async {
            let mut tx = self.inner.store.begin().await?;
            tx.retry_effect(claim.workspace, claim.generation, self.now()).await?;
            tx.commit().await
        };
        match given.await {
            Ok(()) => self.inner.wake.notify_one(),
            Err(error) => {
                tracing::warn!(workspace.id = %claim.workspace, error = %error, "cannot give an effect back; its lease has to run out");
            }
        }
    }

    /// One effect: load, perform, record.
    async fn leg(
        &self,
        claim: &ClaimedEffect,
        carried: Carried,
        cancel: &CancellationToken,
    ) -> Result<Option<(ClaimedEffect, Carried)>, Error> {
        let Some(workspace) = self.inner.store.read().await?.workspace(claim.workspace).await? else {
            return Ok(None);
        };
        if workspace.phase.effect() != Some(claim.effect) {
            self.put_right(claim).await?;
            return Ok(None);
        }
        match self.perform(claim, &workspace, carried, cancel).await {
            Ok(Performed::Done(done)) => self.settle(claim, done).await,
            Ok(Performed::Later { why, after }) => {
                self.set_detail(&workspace, step_of(claim.effect), why).await?;
                self.again(claim, after).await
            }
            Err(_) if cancel.is_cancelled() => Ok(None),
            Err(trouble) => self.trouble(claim, &workspace, trouble).await,
        }
    }

    async fn perform(
        &self,
        claim: &ClaimedEffect,
        workspace: &Workspace,
        carried: Carried,
        cancel: &CancellationToken,
    ) -> Result<Performed<'_>, Trouble> {
        match claim.effect {
            Effect::Admit => self.admit(workspace).await,
            Effect::Prepare => self.prepare(workspace, cancel).await,
            Effect::Create => self.create(workspace, carried, cancel).await,
            Effect::Connect => self.connect(workspace, cancel).await,
            Effect::Initialise => self.initialise(workspace, cancel).await,
            Effect::Halt => self.halt(workspace).await,
            Effect::Remove => self.remove(workspace).await,
        }
    }

    /// Tries again later, or gives the start up.
    async fn trouble(
        &self,
        claim: &ClaimedEffect,
        workspace: &Workspace,
        trouble: Trouble,
    ) -> Result<Option<(ClaimedEffect, Carried)>, Error> {
        let id = workspace.id;
        // Ending and removing are never given up: there is nothing a failure could lead to.
        let must_be = matches!(claim.effect, Effect::Halt | Effect::Remove);
        if must_be || (trouble.kind != Kind::Lasting && claim.attempt + 1 < ATTEMPTS) {
            let after = self.back_off(claim.attempt);
            tracing::warn!(workspace.id = %id, attempt = claim.attempt, "{}; trying again", trouble.reason);
            let again = format!("{}; trying again in {} s", trouble.reason, after.as_secs().max(1));
            self.say(workspace, step_of(claim.effect), again).await;
            if must_be {
                // Without the pause, which grows: the same notice is kept once.
                let notice =
                    format!("{}; it is tried again until it works. {}", trouble.reason, trouble.mend);
                self.set_notice(id, notice).await?;
            }
            return self.again(claim, after).await;
        }
        tracing::info!(workspace.id = %id, "start given up: {}", trouble.reason);
        let said = format!("{}; {}", trouble.reason, trouble.mend);
        let step = step_of(claim.effect).unwrap_or(domain::Step::Prepare);
        self.say(workspace, Some(step), said).await;
        let failed = Event::StepFailed { step, reason: trouble.reason, mend: trouble.mend };
        self.settle(claim, Done::of(failed)).await
    }

    /// Gives the effect back to be claimed again after a while.
    async fn again(
        &self,
        claim: &ClaimedEffect,
        after: Duration,
    ) -> Result<Option<(ClaimedEffect, Carried)>, Error> {
        let wait = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let due = self.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        let mut tx = self.inner.store.begin().await?;
        tx.retry_effect(claim.workspace, claim.generation, due).await?;
        tx.commit().await?;
        let control = self.clone();
        self.inner.tasks.spawn(format!("wake for {}", claim.workspace), async move {
            tokio::time::sleep(after).await;
            control.inner.wake.notify_one();
        });
        Ok(None)
    }

    /// The outbox held something the phase does not want: puts in what it does.
    async fn put_right(&self, claim: &ClaimedEffect) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        if let Some(workspace) = tx.workspace_for_update(claim.workspace).await?
            && tx.finish_effect(claim.workspace, claim.generation).await?
            && let Some(effect) = workspace.phase.effect()
        {
            tx.put_effect(workspace.id, effect, self.now()).await?;
            tx.nudge(format!("{EFFECT_TOPIC}{}", workspace.id));
        }
        Ok(tx.commit().await?)
    }

    /// Half a second, doubled each time up to a minute, less a random third: workspaces that failed
    /// together do not come back together.
    fn back_off(&self, attempt: u32) -> Duration {
        let full = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
        let mut byte = [0];
        self.inner.entropy.fill(&mut byte);
        full.mul_f64(1.0 - f64::from(byte[0]) / 255.0 / 3.0)
    }
}

/// Tries of an effect that may work the next time: with these pauses about fifteen seconds.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The step of a start that an effect belongs to; none for what ends a workspace.
pub(super) fn step_of(effect: Effect) -> Option<domain::Step> {
    match effect {
        Effect::Admit | Effect::Prepare => Some(domain::Step::Prepare),
        Effect::Create => Some(domain::Step::Create),
        Effect::Connect => Some(domain::Step::Connect),
        Effect::Initialise => Some(domain::Step::Clone),
        Effect::Halt | Effect::Remove => None,
    }
}
