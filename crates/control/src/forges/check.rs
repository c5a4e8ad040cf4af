//! Looking at a forge step by step, so that whoever sets it up learns what is wrong and what to do about it.
//!
//! Nobody else's credential is used: the steps that need one use the link of whoever asks. What is reached is what
//! the registration says, under the same guard as ever, and nobody may ask often: the answers tell what is reachable.

use std::collections::VecDeque;
use std::time::Duration;

use domain::{Caller, Forge, ForgeId, Link, LinkState, SignedDuration, Timestamp};
use forge::{Credential, Provider};
use tokio::time::Instant;

use super::managed;
use crate::control::{Control, hold};
use crate::error::Error;

mod account;
mod network;

/// Checks somebody may have within [`WINDOW`].
const MOST: usize = 6;
/// See [`MOST`].
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// How long one step may take.
const STEP_LIMIT: Duration = Duration::from_secs(20);

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeCheck {
    /// Whether no step failed.
    pub ok: bool,
    /// The steps in order.
    pub steps: Vec<ForgeCheckStep>,
    /// The SSH host keys found just now, to be compared and saved.
    pub host_keys: Vec<String>,
}

/// One step of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeCheckStep {
    /// `resolve`, `tls`, `version`, `application`, `authorise`, `scopes`, `clone`, `ssh` or `reach_back`.
    pub name: &'static str,
    /// How it went.
    pub outcome: StepOutcome,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty where nothing is to be done.
    pub mend: String,
    /// How long it took.
    pub took: Duration,
}

/// How a step of a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// Well.
    Ok,
    /// Not well.
    Failed,
    /// Well, but something should be looked at.
    Warning,
    /// It was not tried, and the detail says why.
    Skipped,
}

impl StepOutcome {
    /// As it is written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
        }
    }
}

/// When somebody had forges checked lately.
#[derive(Debug, Default)]
pub(super) struct Checks(VecDeque<Timestamp>);

impl Checks {
    /// Takes one.
    ///
    /// # Errors
    ///
    /// How long to wait when there is none left.
    fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        // Also those of a future that a clock which was set back has not reached.
        self.0.retain(|at| now.duration_since(*at).abs() < WINDOW);
        if self.0.len() >= MOST {
            let first = self.0.front().copied().unwrap_or(now);
            let left = WINDOW - now.duration_since(first).abs();
            return Err(Duration::try_from(left).unwrap_or(Duration::ZERO));
        }
        self.0.push_back(now);
        Ok(())
    }
}

/// What a step found.
pub(super) struct Finding {
    outcome: StepOutcome,
    detail: String,
    mend: String,
}

impl Finding {
    fn ok(detail: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Ok, detail: detail.into(), mend: String::new() }
    }

    fn failed(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Failed, detail: detail.into(), mend: mend.into() }
    }

    fn warning(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Warning, detail: detail.into(), mend: mend.into() }
    }

    fn skipped(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Skipped, detail: detail.into(), mend: mend.into() }
    }
}

/// What the steps are about.
struct Subject<'a> {
    control: &'a Control,
    forge: &'a Forge,
    provider: &'a dyn Provider,
    /// The asker's own link, and its credential.
    link: Option<(Link, Credential)>,
    /// Why there is none.
    no_link: String,
}

impl Control {
    /// Looks at a forge that the caller may manage.
    ///
    /// # Errors
    ///
    /// `too_many` after six checks within a minute. What is wrong with the forge is no error.
    pub async fn check_forge(&self, caller: &Caller, id: ForgeId) -> Result<ForgeCheck, Error> {
        let forge = managed(&mut self.inner.store.read().await?, caller, id).await?;
        let now = self.now();
        let taken = {
            let mut checks = hold(&self.inner.forges.checks);
            checks
                .retain(|_, checks| checks.0.back().is_some_and(|at| now.duration_since(*at).abs() < WINDOW));
            checks.entry(caller.user).or_default().take(now)
        };
        taken.map_err(|retry_after| Error::TooMany {
            what: "forges were checked too often".into(),
            retry_after,
        })?;
        let provider = self.provider(&forge).await?;
        let (link, no_link) = self.own_link(caller, &forge).await?;
        let subject = Subject { control: self, forge: &forge, provider: &*provider, link, no_link };
        let mut found = Found { steps: Vec::new() };
        found.step("resolve", subject.resolve()).await;
        found.step("tls", subject.tls()).await;
        found.step("version", subject.version()).await;
        found.step("application", subject.application()).await;
        found.step("authorise", subject.authorise()).await;
        found.step("scopes", subject.scopes()).await;
        found.step("clone", subject.clone_something()).await;
        let mut host_keys = Vec::new();
        found.step("ssh", subject.ssh(&mut host_keys)).await;
        found.step("reach_back", std::future::ready(subject.reach_back())).await;
        let ok = found.steps.iter().all(|step| step.outcome != StepOutcome::Failed);
        Ok(ForgeCheck { ok, steps: found.steps, host_keys })
    }

    /// The asker's link at the forge with its credential, or why there is none.
    async fn own_link(
        &self,
        caller: &Caller,
        forge: &Forge,
    ) -> Result<(Option<(Link, Credential)>, String), Error> {
        let none = |why: &str| Ok((None, why.to_owned()));
        let link = self.inner.store.read().await?.link_of(caller.user, forge.id).await?;
        let Some(link) = link else { return none("you have not linked an account there") };
        if link.state != LinkState::Active {
            return none("your link there needs a new sign-in");
        }
        let provider = self.provider(forge).await?;
        let asking = |credential: Credential| {
            let provider = provider.clone();
            async move { provider.who(&credential).await.map(drop) }
        };
        // Renews what does not work any more. What else the forge says is for the steps to tell.
        let need = SignedDuration::from_mins(1);
        if let Err(error @ Error::LinkNeeded { .. }) = self.with_token(link.id, need, asking).await {
            return none(&error.to_string());
        }
        match self.hold_token(link.id, need).await {
            Ok(held) => Ok((Some((held.link, held.credential)), String::new())),
            Err(error) => none(&error.to_string()),
        }
    }
}

/// The steps so far.
struct Found {
    steps: Vec<ForgeCheckStep>,
}

impl Found {
    async fn step(&mut self, name: &'static str, look: impl Future<Output = Finding>) {
        let begun = Instant::now();
        let finding = tokio::time::timeout(STEP_LIMIT, look).await.unwrap_or_else(|_| {
            let what = format!("nothing came back within {} s", STEP_LIMIT.as_secs());
            Finding::failed(what, "look at the network between this server and the forge")
        });
        let Finding { outcome, detail, mend } = finding;
        self.steps.push(ForgeCheckStep { name, outcome, detail, mend, took: begun.elapsed() });
    }
}

#[cfg(test)]
mod tests;
