//! Removing a forge.

use domain::{Caller, Forge, ForgeId, KeyOwner, Link, UserId, Via};
use store::Tx;

use super::managed;
use super::register::owner;
use super::update::refuse_from_file;
use crate::control::Control;
use crate::error::Error;
use crate::links::{Doom, doom_with, link_topic};
use crate::people::{PasswordDoor, is_last_way_in, note};

/// Links looked at in one statement.
const PAGE: u32 = 500;

/// What happens to people who could not come in any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOut {
    /// The forge stays then.
    Refuse,
    /// An administrator will help them.
    Accept,
}

impl Control {
    /// Removes a forge with its links and identities. Their tokens are revoked there, as well as that goes, after
    /// it is gone here.
    ///
    /// # Errors
    ///
    /// 409 `locks_out` when people could not come in any more and that was not accepted, 409 `from_file` for one
    /// that stands in the configuration file.
    pub async fn delete_forge(&self, caller: &Caller, id: ForgeId, lock_out: LockOut) -> Result<(), Error> {
        let forge = managed(&mut self.inner.store.read().await?, caller, id).await?;
        refuse_from_file(&forge)?;
        let links = self.every_link_at(&forge).await?;
        // Opened before the transaction: keys may have to be fetched.
        let mut pairs = Vec::new();
        for link in &links {
            match self.tokens_of(link).await {
                Ok(Some(tokens)) => pairs.push((link, tokens)),
                Ok(None) => {}
                Err(error) => tracing::warn!(link.id = %link.id, error = %error, "a token cannot be revoked"),
            }
        }
        let secrets = self.forge_secrets(id).await?;
        // The people's own keys may be deleted with them; these cells are the installation's business.
        let sealer =
            self.sealer(if forge.team.is_some() { owner(&forge) } else { KeyOwner::Platform }).await?;

        let door = self.password_door().await?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let forge = tx.forge_for_update(id).await?.ok_or_else(|| Error::missing("forge", id))?;
        let identities = tx.identities_of_forge(id).await?;
        if lock_out == LockOut::Refuse {
            let people: Vec<UserId> = identities.iter().map(|identity| identity.user).collect();
            refuse_to_lock_out(&mut tx, &forge, &people, door).await?;
        }
        for (link, tokens) in &pairs {
            let remote_key = tx.upload(link.id).await?.and_then(|upload| upload.remote_id);
            let doom = Doom { forge: &forge, link, tokens, remote_key, secrets: Some(&secrets) };
            doom_with(&mut tx, &sealer, doom, now).await?;
        }
        let own = match caller.via {
            Via::Session(session) => Some(session),
            Via::LocalSocket | Via::Token { .. } => None,
        };
        for identity in &identities {
            Self::end_sessions_of_forge(&mut tx, identity.user, id, own).await?;
        }
        tx.delete_forge(id).await?;
        for link in &links {
            tx.nudge(link_topic(link.id));
        }
        let said = format!("{} at {}, {} links", forge.kind, forge.web_url, links.len());
        note(&mut tx, caller.user, now, ("forge.delete", id.to_string()), said).await?;
        tx.nudge(format!("forge {id}"));
        tx.commit().await?;
        self.inner.forges.providers.forget(id);
        self.inner.forges.health.forget(id);
        self.inner.job_wake.notify_one();
        Ok(())
    }

    async fn every_link_at(&self, forge: &Forge) -> Result<Vec<Link>, Error> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|link: &Link| link.id);
            let page = self.inner.store.read().await?.links_of_forge(forge.id, after, PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

async fn refuse_to_lock_out(
    tx: &mut Tx,
    forge: &Forge,
    people: &[UserId],
    door: PasswordDoor,
) -> Result<(), Error> {
    let mut locked_out = 0_usize;
    for user in people {
        let is_welcome = tx.user(*user).await?.is_some_and(|user| user.suspended_at.is_none());
        if is_welcome && is_last_way_in(tx, *user, forge, door).await? {
            locked_out += 1;
        }
    }
    if locked_out == 0 {
        return Ok(());
    }
    let (people, have) = if locked_out == 1 { ("person", "has") } else { ("people", "have") };
    Err(Error::Conflict {
        code: "locks_out",
        what: format!("{locked_out} {people} {have} no other way to sign in than {}", forge.name),
        mend: "give them passwords or another forge to sign in with first, or delete it with `force`".into(),
    })
}
