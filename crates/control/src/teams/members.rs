//! Who belongs to a team, and as what.

use domain::{Caller, Membership, Scope, Team, TeamRole, UserId};
use store::Tx;

use super::{Seen, announce_place, manage, refuse_everybody, require, see};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

impl Control {
    /// The members of a team, longest first. Of the one everybody belongs to: everybody, for administrators
    /// of the platform only.
    pub async fn members(&self, caller: &Caller, wanted: &str) -> Result<Vec<Membership>, Error> {
        caller.scope(Scope::All)?;
        let mut tx = self.inner.store.read().await?;
        let seen = see(&mut tx, caller, wanted).await?;
        if !seen.team.everybody {
            return Ok(tx.members(seen.team.id).await?);
        }
        caller.administer()?;
        let mut members = Vec::new();
        for user in tx.users().await? {
            let role = super::standing(&mut tx, Team::EVERYBODY, user.id, user.role).await?;
            members.extend(role.map(|role| Membership {
                team: Team::EVERYBODY,
                user: user.id,
                role,
                since: user.created_at,
            }));
        }
        Ok(members)
    }

    /// Gives somebody a place in a team, or another role there. Administrators of the team add members;
    /// only owners make somebody an administrator or owner, and only owners change who is one.
    ///
    /// # Errors
    ///
    /// 409 `last_owner` when nobody would be left to own the team, `everybody`.
    pub async fn set_member(
        &self,
        caller: &Caller,
        wanted: &str,
        user: UserId,
        role: TeamRole,
    ) -> Result<Membership, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let seen = manage(&mut tx, caller, wanted, TeamRole::Admin).await?;
        refuse_everybody(&seen.team, "what people are in it is what they are on the platform")?;
        let name = tx.user(user).await?.ok_or_else(|| Error::missing("user", user))?.name;
        let present = tx.member(seen.team.id, user).await?;
        if present.is_none_or(|present| present == TeamRole::Member) && role == TeamRole::Member {
            require(&seen, TeamRole::Admin)?;
        } else {
            require(&seen, TeamRole::Owner)?;
        }
        if role != TeamRole::Owner {
            keep_an_owner(&mut tx, &seen, present).await?;
        }
        let member = Membership { team: seen.team.id, user, role, since: now };
        if present != Some(role) {
            tx.put_member(&member).await?;
            announce_place(&mut tx, user, present, Some(role));
            let detail = format!("{name}: {role:?}").to_lowercase();
            note(&mut tx, caller.user, now, ("team.member.set", seen.team.id.to_string()), detail).await?;
        }
        let members = tx.members(seen.team.id).await?;
        tx.commit().await?;
        Ok(members.into_iter().find(|member| member.user == user).unwrap_or(member))
    }

    /// Takes somebody out of a team; everybody may leave by themselves. Workspaces of that person in the
    /// team stop, and their streams end within a second: their owner still sees them and may delete them.
    ///
    /// # Errors
    ///
    /// 409 `last_owner`, `everybody`.
    pub async fn remove_member(&self, caller: &Caller, wanted: &str, user: UserId) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let least = if user == caller.user { TeamRole::Member } else { TeamRole::Admin };
        let seen = manage(&mut tx, caller, wanted, least).await?;
        refuse_everybody(&seen.team, "nobody can be taken out of it")?;
        let present = tx.member(seen.team.id, user).await?;
        let Some(present) = present else { return Err(Error::missing("member", user)) };
        if user != caller.user && present > TeamRole::Member {
            require(&seen, TeamRole::Owner)?;
        }
        keep_an_owner(&mut tx, &seen, Some(present)).await?;
        tx.delete_member(seen.team.id, user).await?;
        let stopped = self.end_standing(&mut tx, seen.team.id, user, now).await?;
        note(&mut tx, caller.user, now, ("team.member.remove", seen.team.id.to_string()), user.to_string())
            .await?;
        tx.commit().await?;
        for (id, phase) in stopped {
            self.inner.flights.overtaken(id, &phase);
        }
        Ok(())
    }
}

/// Refuses what would leave a team without an owner. `present` is what the person is who would be none.
async fn keep_an_owner(tx: &mut Tx, seen: &Seen, present: Option<TeamRole>) -> Result<(), Error> {
    if present != Some(TeamRole::Owner) || tx.count_owners(seen.team.id).await? > 1 {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "last_owner",
        what: format!("the team `{}` would have no owner any more", seen.team.slug),
        mend: "make somebody else an owner first, or delete the team".into(),
    })
}
