//! Records what an effect led to: the event, and the next effect, in one transaction.

use std::time::Duration;

use domain::{Event, Phase, Rootfs, Workspace};
use store::ClaimedEffect;
use tokio::sync::MutexGuard;
use vault::Token;

use super::steps::mark_steps;
use super::worker::{Carried, step_of};
use crate::control::Control;
use crate::error::Error;
use crate::workspace::{forget_later, save};

/// Runs of which the log is kept.
const LOGS_KEPT: u32 = 10;
/// Notices kept; what repeats itself is kept once.
const NOTICES_KEPT: usize = 20;

/// How performing an effect went, where it went.
pub(super) enum Performed<'a> {
    /// It is done.
    Done(Done<'a>),
    /// It is not its time yet.
    Later {
        /// Why, in words for the step's detail.
        why: String,
        /// When to look again.
        after: Duration,
    },
}

/// What an effect led to.
#[derive(Default)]
pub(super) struct Done<'a> {
    /// What happened, in order.
    pub(super) events: Vec<Event>,
    /// One line for the step that ends with it.
    pub(super) detail: Option<String>,
    /// What the owner should know.
    pub(super) notices: Vec<String>,
    /// The root file system that took the place of the wished one.
    pub(super) rootfs: Option<Rootfs>,
    /// The agent's new credential, for the next leg.
    pub(super) credential: Option<Token>,
    /// Held until it is recorded.
    pub(super) admission: Option<MutexGuard<'a, ()>>,
}

impl Done<'_> {
    pub(super) fn of(event: Event) -> Self {
        Self { events: vec![event], ..Self::default() }
    }
}

impl Control {
    /// Records what was done, if it is still what is wanted, and claims what comes next.
    pub(super) async fn settle(
        &self,
        claim: &ClaimedEffect,
        done: Done<'_>,
    ) -> Result<Option<(ClaimedEffect, Carried)>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        // The workspace first and then its effect, as everywhere: two who lock in different orders can
        // wait for each other.
        let Some(mut workspace) = tx.workspace_for_update(claim.workspace).await? else { return Ok(None) };
        // Somebody wants something else by now: what was done is late news.
        if !tx.finish_effect(claim.workspace, claim.generation).await? {
            return Ok(None);
        }
        let step = step_of(claim.effect);
        if let Some(detail) = done.detail
            && let Some(record) = workspace.steps.iter_mut().find(|record| Some(record.step) == step)
        {
            record.detail = Some(detail);
        }
        if let Some(rootfs) = done.rootfs {
            workspace.rootfs = rootfs;
        }
        for notice in done.notices {
            add_notice(&mut workspace, notice);
        }
        for event in &done.events {
            let before = workspace.phase.clone();
            workspace.apply(event, now)?;
            if workspace.phase != before {
                mark_steps(&mut workspace, &before, now);
            }
        }
        save(&mut tx, &workspace, now).await?;
        if let Some(credential) = &done.credential {
            tx.set_agent_credential(workspace.id, &credential.hash()).await?;
        }
        match &workspace.phase {
            Phase::Preparing => {
                tx.forget_log_before(workspace.id, workspace.run.saturating_sub(LOGS_KEPT)).await?;
            }
            Phase::Deleted => {
                if let Some(base) = workspace.base {
                    forget_later(&mut tx, base, now).await?;
                    self.inner.job_wake.notify_one();
                }
            }
            _ => {}
        }
        // Claimed in the same commit, so that a start flushes the disk half as often.
        let claims = self.claim_in(&mut tx, now).await?;
        tx.commit().await?;
        drop(done.admission);
        tracing::debug!(workspace.id = %workspace.id, "workspace is {}", workspace.phase.name());
        let mut next = None;
        for claim in claims {
            if claim.workspace == workspace.id {
                next = Some(claim);
            } else {
                self.dispatch(claim);
            }
        }
        // From here on nothing may fail: the claims are ours and would be lost.
        if next.is_none() && workspace.phase.effect().is_some() {
            self.inner.wake.notify_one();
        }
        self.let_in(&workspace).await;
        Ok(next.map(|next| (next, Carried { credential: done.credential })))
    }

    /// Puts a notice on a workspace, once.
    pub(super) async fn set_notice(&self, id: domain::WorkspaceId, notice: String) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        let Some(mut workspace) = tx.workspace_for_update(id).await? else { return Ok(()) };
        add_notice(&mut workspace, notice);
        tx.save_workspace(&workspace).await?;
        crate::workspace::announce(&mut tx, &workspace);
        Ok(tx.commit().await?)
    }
}

fn add_notice(workspace: &mut Workspace, notice: String) {
    workspace.notices.retain(|present| *present != notice);
    if workspace.notices.len() >= NOTICES_KEPT {
        workspace.notices.remove(0);
    }
    workspace.notices.push(notice);
}
