//! Whether a forge takes our application, and how soon it wants to be asked again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::{Forge, ForgeId, ForgeState, SignedDuration, Timestamp, UserId};
use store::Tx;

use super::register::next_update;
use crate::control::{Control, hold};
use crate::error::Error;

/// How often a forge that refuses the application is asked again by itself: a secret that was put back, or a
/// mistake over there, heals without anybody here.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// The longest pause a forge can impose: an answer with a year in it is a mistake.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Per forge, what this server was told lately.
#[derive(Default)]
pub(crate) struct Health(Mutex<HashMap<ForgeId, Told>>);

#[derive(Debug, Clone, Copy)]
struct Told {
    /// It wants to be left alone until then.
    alone_until: Timestamp,
    /// When it last refused the application.
    refused_at: Option<Timestamp>,
}

impl Health {
    /// How long the token endpoint of this forge has to be left alone.
    pub(crate) fn pause(&self, id: ForgeId, now: Timestamp) -> Option<Duration> {
        let until = hold(&self.0).get(&id)?.alone_until;
        let left = Duration::try_from(until.duration_since(now)).ok()?;
        // A clock that was set back must not make anybody wait longer.
        Some(left.min(LONGEST_PAUSE)).filter(|left| !left.is_zero())
    }

    /// The forge asked to be left alone.
    pub(crate) fn leave_alone(&self, id: ForgeId, now: Timestamp, pause: Duration) {
        let pause = SignedDuration::try_from(pause.min(LONGEST_PAUSE)).unwrap_or(SignedDuration::ZERO);
        let until = now.checked_add(pause).unwrap_or(now);
        self.change(id, |told| told.alone_until = told.alone_until.max(until));
    }

    /// Whether a forge that refused the application may be asked again.
    pub(crate) fn may_ask_again(&self, id: ForgeId, now: Timestamp) -> bool {
        let refused_at = hold(&self.0).get(&id).and_then(|told| told.refused_at);
        refused_at.is_none_or(|at| now.duration_since(at).abs() >= ASK_AGAIN)
    }

    fn refused(&self, id: ForgeId, now: Timestamp) {
        self.change(id, |told| told.refused_at = Some(now));
    }

    /// What was told is true no more: the registration has changed.
    pub(crate) fn forget(&self, id: ForgeId) {
        hold(&self.0).remove(&id);
    }

    fn change(&self, id: ForgeId, change: impl FnOnce(&mut Told)) {
        let mut told = hold(&self.0);
        change(told.entry(id).or_insert(Told { alone_until: Timestamp::MIN, refused_at: None }));
    }
}

impl Control {
    /// Writes down that a forge which worked refuses the application itself now. Links stay as they are.
    ///
    /// One that was never verified stays pending: its registrar is just finding out.
    pub(crate) async fn forge_refuses(&self, id: ForgeId, why: &str) -> Result<(), Error> {
        let now = self.now();
        self.inner.forges.health.refused(id, now);
        let mut tx = self.inner.store.begin().await?;
        let Some(mut forge) = tx.forge_for_update(id).await? else { return Ok(()) };
        if !forge.is_verified() {
            return Ok(());
        }
        tracing::warn!(forge.id = %id, "`{}` does not take our application any more", forge.name);
        forge.state = ForgeState::Faulty { at: now, why: why.chars().take(300).collect() };
        forge.updated_at = next_update(forge.updated_at, now);
        tx.save_forge(&forge).await?;
        let entry = store::AuditEntry {
            at: now,
            caller: None,
            action: "forge.faulty".into(),
            subject: id.to_string(),
            detail: forge.name,
        };
        tx.append_audit(&entry).await?;
        tx.nudge(format!("forge {id}"));
        Ok(tx.commit().await?)
    }

    /// Writes down that a forge which was in trouble takes the application again.
    pub(crate) async fn forge_takes_us(&self, id: ForgeId) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        let Some(mut forge) = tx.forge_for_update(id).await? else { return Ok(()) };
        if matches!(forge.state, ForgeState::Faulty { .. }) {
            verify(&mut tx, &mut forge, None, self.now()).await?;
            tx.commit().await?;
        }
        self.inner.forges.health.forget(id);
        Ok(())
    }
}

impl Control {
    /// Asks which version runs there, and remembers it.
    pub(crate) async fn learn_version(
        &self,
        forge: &Forge,
        credential: &forge::Credential,
    ) -> Result<Option<String>, Error> {
        let told = self.provider(forge).await?.version(credential).await;
        let version = told.map_err(|error| super::said(forge, error))?;
        let version =
            version.map(|version| version.chars().filter(|c| !c.is_control()).take(80).collect::<String>());
        if version.is_none() || version == forge.version {
            return Ok(version);
        }
        let mut tx = self.inner.store.begin().await?;
        if let Some(mut present) = tx.forge_for_update(forge.id).await? {
            present.version.clone_from(&version);
            present.updated_at = next_update(present.updated_at, self.now());
            tx.save_forge(&present).await?;
            tx.commit().await?;
        }
        Ok(version)
    }
}

/// Notes that somebody has completed a round trip.
pub(crate) async fn verify(
    tx: &mut Tx,
    forge: &mut Forge,
    by: Option<UserId>,
    now: Timestamp,
) -> Result<(), Error> {
    forge.state = ForgeState::Verified { at: now, by };
    forge.updated_at = next_update(forge.updated_at, now);
    tx.save_forge(forge).await?;
    tx.nudge(format!("forge {}", forge.id));
    Ok(())
}
