//! Sharing kites: an owner lets somebody call what is theirs. Only here, never by a kite itself.

use domain::{Caller, Scope, ShareSubject, UserId, UserName};
use store::{KiteShare, Tx};

use super::KiteShareFacts;
use crate::control::Control;
use crate::error::Error;
use crate::people::{note, welcome};
use crate::teams::standing;

/// Most shares of one owner. Whoever wants to share with more makes a team.
const SHARES_MAX: u64 = 1000;
/// Said after a commit that changed what is shared; with whom is behind.
pub(super) const SHARED_TOPIC: &str = "kite shared ";

impl Control {
    /// With whom the caller shares a kite: by its id, or what the share says, `ws_…` or `environment/name`.
    pub async fn kite_shares(&self, caller: &Caller, of: &str) -> Result<Vec<KiteShareFacts>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let subject = self.subject(caller, of).await?;
        let mut tx = self.inner.store.read().await?;
        must_own(&mut tx, caller.user, &subject).await?;
        let shares = tx.kite_shares(caller.user, &subject).await?;
        name_all(&mut tx, shares).await
    }

    /// Lets somebody, by id or name, call a kite of the caller's. What is shared already stays so.
    ///
    /// # Errors
    ///
    /// `not_found` for what is not the caller's and for a person who is not there; `not_member` for a workspace in
    /// a team that the caller has left; 409 `own`, `too_many_shares`.
    pub async fn share_kite(&self, caller: &Caller, of: &str, with: &str) -> Result<KiteShareFacts, Error> {
        caller.scope(Scope::All)?;
        let subject = self.subject(caller, of).await?;
        self.share(caller.user, &subject, with).await
    }

    /// Lets somebody call a kite of the caller's no more; connections are cut within a second.
    ///
    /// # Errors
    ///
    /// `not_found` where it was not shared.
    pub async fn unshare_kite(&self, caller: &Caller, of: &str, with: &str) -> Result<(), Error> {
        caller.scope(Scope::All)?;
        let subject = self.subject(caller, of).await?;
        let gone = self.unshare(caller.user, &subject, with).await?;
        gone.map(drop).ok_or_else(|| Error::missing("share", &subject))
    }

    /// What a kite's id, or a share's own text, is about.
    async fn subject(&self, caller: &Caller, of: &str) -> Result<ShareSubject, Error> {
        if let Ok(subject) = of.parse() {
            return Ok(subject);
        }
        let entry = self.seen_entry(caller, of).await?;
        let (environment, name) = (entry.kite.environment.clone(), entry.kite.name.clone());
        Ok(match entry.workspace() {
            Some(id) => ShareSubject::Workspace(id),
            // Whose it is, is asked of whoever changes something: shares are by owner.
            None if entry.owner == caller.user => ShareSubject::Service { environment, name },
            None => return Err(Error::Forbidden { why: "only the owner of a kite shares it".into() }),
        })
    }

    pub(super) async fn share(
        &self,
        owner: UserId,
        subject: &ShareSubject,
        with: &str,
    ) -> Result<KiteShareFacts, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        must_own(&mut tx, owner, subject).await?;
        let (user, user_name) = somebody(&mut tx, with).await?;
        if user == owner {
            return Err(Error::Conflict {
                code: "own",
                what: "it is yours already".into(),
                mend: "name somebody else to share it with".into(),
            });
        }
        let share = KiteShare { owner, subject: subject.clone(), user, created_at: now };
        let before = tx.kite_shares(owner, subject).await?;
        if let Some(before) = before.into_iter().find(|before| before.user == user) {
            // Durable, and seen by readers, once this is committed.
            tx.commit().await?;
            return Ok(facts(before, user_name));
        }
        if tx.count_kite_shares(owner).await? >= SHARES_MAX {
            return Err(Error::Conflict {
                code: "too_many_shares",
                what: format!("you share with {SHARES_MAX} people and kites already"),
                mend: "take back what is not needed any more, or make a team".into(),
            });
        }
        tx.put_kite_share(&share).await?;
        tx.nudge(format!("{SHARED_TOPIC}{user}"));
        note(&mut tx, owner, now, ("kite.share", subject.to_string()), user_name.to_string()).await?;
        tx.commit().await?;
        Ok(facts(share, user_name))
    }

    pub(super) async fn unshare(
        &self,
        owner: UserId,
        subject: &ShareSubject,
        with: &str,
    ) -> Result<Option<UserId>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let (user, user_name) = somebody(&mut tx, with).await?;
        // Nothing else is asked: who may share no more may still take back.
        if !tx.delete_kite_share(owner, subject, user).await? {
            return Ok(None);
        }
        tx.nudge(format!("{SHARED_TOPIC}{user}"));
        note(&mut tx, owner, now, ("kite.unshare", subject.to_string()), user_name.to_string()).await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// Everything that somebody shares.
    pub(super) async fn shares_of(&self, owner: UserId) -> Result<Vec<KiteShareFacts>, Error> {
        let mut tx = self.inner.store.read().await?;
        let shares = tx.kite_shares_of(owner).await?;
        name_all(&mut tx, shares).await
    }
}

/// Checks that somebody may share this: a workspace of their own while they belong to its team; any service, since
/// a share is of the owner's services only.
async fn must_own(tx: &mut Tx, owner: UserId, subject: &ShareSubject) -> Result<(), Error> {
    let ShareSubject::Workspace(id) = subject else { return Ok(()) };
    let workspace = tx.workspace(*id).await?.filter(|workspace| workspace.owner == owner);
    let Some(workspace) = workspace else { return Err(Error::missing("workspace", id)) };
    let Some(user) = welcome(tx, owner).await? else { return Err(Error::missing("workspace", id)) };
    if standing(tx, workspace.team, owner, user.role).await?.is_some() {
        return Ok(());
    }
    Err(Error::NotMember { why: "this workspace belongs to a team that you are no member of".into() })
}

/// The person that a text names: by id, by name, or by name as it stands in the fields of kites.
async fn somebody(tx: &mut Tx, wanted: &str) -> Result<(UserId, UserName), Error> {
    let wanted = wanted.trim();
    let mut found = None;
    if let Ok(id) = wanted.parse() {
        found = tx.user(id).await?;
    }
    for name in [wanted.to_owned(), name_of(wanted)] {
        if found.is_none()
            && let Ok(name) = name.parse()
        {
            found = tx.user_by_name(&name).await?.map(|(user, _)| user);
        }
    }
    let found = found.map(|user| (user.id, user.name));
    found.ok_or_else(|| Error::missing("person", wanted.chars().take(64).collect::<String>()))
}

/// The name that stands in a kite's field as [`registry::field_of`] wrote it.
pub(super) fn name_of(field: &str) -> String {
    field.replace("%2F", "/").replace("%25", "%")
}

fn facts(share: KiteShare, user_name: UserName) -> KiteShareFacts {
    KiteShareFacts { subject: share.subject, user: share.user, user_name, since: share.created_at }
}

async fn name_all(tx: &mut Tx, shares: Vec<KiteShare>) -> Result<Vec<KiteShareFacts>, Error> {
    let mut named = Vec::with_capacity(shares.len());
    for share in shares {
        if let Some(user) = tx.user(share.user).await? {
            named.push(facts(share, user.name));
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use registry::field_of;

    use super::name_of;

    #[test]
    fn a_name_is_read_out_of_a_field_as_it_was_written() {
        for name in ["ada", "group/ada", "100%", "%2F", "%252F/%", ""] {
            assert_eq!(name_of(&field_of(name)), name);
        }
    }
}
