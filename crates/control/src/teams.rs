//! Teams: who belongs to them, what they share, and what ends when somebody leaves.
//!
//! A caller without a place in a team learns nothing of it. Administrators of the platform manage every
//! team as its owners do, so that one whose owners are gone is not lost; they get into no workspace by that.

use domain::{Caller, Role, Team, TeamId, TeamRole, TeamSlug, UserId};
use store::Tx;

use crate::control::Control;
use crate::error::Error;

mod choice;
mod host;
mod invitations;
mod leave;
mod manage;
mod members;
mod secret_name;
mod secrets;

pub use host::team_of_host;
pub use invitations::{InvitationFacts, InvitationWish};
pub use manage::{NewTeam, TeamChange};

/// A team, as one caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamFacts {
    /// The team.
    pub team: Team,
    /// What the caller is in it; nothing for an administrator of the platform who does not belong to it.
    pub role: Option<TeamRole>,
    /// How many belong to it.
    pub members: u64,
}

/// What somebody is in a team, if anything. Everybody belongs to [`Team::EVERYBODY`], where the
/// platform's administrators are owners.
pub(crate) async fn standing(
    tx: &mut Tx,
    team: TeamId,
    user: UserId,
    role: Role,
) -> Result<Option<TeamRole>, Error> {
    if team == Team::EVERYBODY {
        return Ok(Some(if role == Role::Admin { TeamRole::Owner } else { TeamRole::Member }));
    }
    Ok(tx.member(team, user).await?)
}

/// Checks that a workspace's owner belongs to its team.
pub(crate) async fn must_belong(tx: &mut Tx, team: TeamId, owner: UserId) -> Result<(), Error> {
    if team == Team::EVERYBODY || tx.member(team, owner).await?.is_some() {
        return Ok(());
    }
    Err(Error::NotMember { why: "the workspace's owner does not belong to its team".into() })
}

/// Said after a commit that gave somebody a place in a team, or a higher one; the person's id is behind.
pub(crate) const PLACES_TOPIC: &str = "places ";

/// Tells, after the commit, whoever has to know that somebody's place in a team is another one: streams end
/// when it is a lower one, and show more when it is a higher one.
fn announce_place(tx: &mut Tx, user: UserId, before: Option<TeamRole>, after: Option<TeamRole>) {
    if after < before {
        Control::cut(tx, user);
    } else {
        tx.nudge(format!("{PLACES_TOPIC}{user}"));
    }
}

/// A team that the caller may see.
pub(crate) struct Seen {
    /// The team.
    pub(crate) team: Team,
    /// What the caller is in it.
    pub(crate) standing: Option<TeamRole>,
    /// What the caller may do in it: at least the standing.
    pub(crate) rank: Option<TeamRole>,
}

/// The team of this id or address, if the caller may know of it.
pub(crate) async fn see(tx: &mut Tx, caller: &Caller, wanted: &str) -> Result<Seen, Error> {
    let missing = || Error::missing("team", wanted.chars().take(64).collect::<String>());
    let found = match wanted.parse::<TeamId>() {
        Ok(id) => tx.team(id).await?,
        Err(_) => match wanted.parse::<TeamSlug>() {
            Ok(slug) => tx.team_by_slug(&slug).await?,
            Err(_) => None,
        },
    };
    let team = found.ok_or_else(missing)?;
    let standing = standing(tx, team.id, caller.user, caller.role).await?;
    let rank = if caller.role == Role::Admin { Some(TeamRole::Owner) } else { standing };
    if rank.is_none() {
        return Err(missing());
    }
    Ok(Seen { team, standing, rank })
}

/// Like [`see`], for somebody who changes the team: nobody else does so before `tx` ends.
pub(crate) async fn manage(
    tx: &mut Tx,
    caller: &Caller,
    wanted: &str,
    least: TeamRole,
) -> Result<Seen, Error> {
    caller.scope(domain::Scope::All)?;
    let seen = see(tx, caller, wanted).await?;
    if tx.team_for_update(seen.team.id).await?.is_none() {
        return Err(Error::missing("team", wanted));
    }
    // Asked again under the lock: somebody may just have lost the place.
    let seen = see(tx, caller, &seen.team.id.to_string()).await?;
    require(&seen, least)?;
    Ok(seen)
}

/// Checks that the caller ranks high enough in the team.
pub(crate) fn require(seen: &Seen, least: TeamRole) -> Result<(), Error> {
    if seen.rank >= Some(least) {
        return Ok(());
    }
    let who = match least {
        TeamRole::Member => "a member",
        TeamRole::Admin => "an administrator or owner",
        TeamRole::Owner => "an owner",
    };
    Err(Error::Forbidden { why: format!("only {who} of the team `{}` may do this", seen.team.slug) })
}

/// The team of everybody has no members of its own.
fn refuse_everybody(team: &Team, what: &str) -> Result<(), Error> {
    if !team.everybody {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "everybody",
        what: format!("the team `{}` is the one everybody belongs to; {what}", team.slug),
        mend: "make a team of its own for that".into(),
    })
}

impl Control {
    /// Whether there is a team of this name in addresses. Says nothing else about it, for anybody who asks.
    ///
    /// # Errors
    ///
    /// `unavailable` when the database cannot be used.
    pub async fn team_exists(&self, slug: &TeamSlug) -> Result<bool, Error> {
        Ok(self.inner.store.read().await?.team_by_slug(slug).await?.is_some())
    }

    /// The team of this id, for naming it.
    ///
    /// # Errors
    ///
    /// `not_found` when it is gone.
    pub async fn team_of(&self, id: domain::TeamId) -> Result<Team, Error> {
        let found = self.inner.store.read().await?.team(id).await?;
        found.ok_or_else(|| Error::missing("team", id))
    }

    /// The teams the caller belongs to, the one of everybody first; all there are for administrators of
    /// the platform.
    pub async fn teams(&self, caller: &Caller) -> Result<Vec<TeamFacts>, Error> {
        caller.scope(domain::Scope::WorkspacesRead)?;
        let mut tx = self.inner.store.read().await?;
        let mut teams = Vec::new();
        if caller.role == Role::Admin {
            teams = tx.teams().await?;
        } else {
            teams.extend(tx.team(Team::EVERYBODY).await?);
            teams.extend(tx.teams_of(caller.user).await?.into_iter().map(|(team, _)| team));
        }
        let mut seen = Vec::with_capacity(teams.len());
        for team in teams {
            let role = standing(&mut tx, team.id, caller.user, caller.role).await?;
            seen.push(facts(&mut tx, team, role).await?);
        }
        Ok(seen)
    }

    /// One team, by id or address.
    pub async fn team(&self, caller: &Caller, wanted: &str) -> Result<TeamFacts, Error> {
        caller.scope(domain::Scope::WorkspacesRead)?;
        let mut tx = self.inner.store.read().await?;
        let Seen { team, standing, .. } = see(&mut tx, caller, wanted).await?;
        facts(&mut tx, team, standing).await
    }
}

async fn facts(tx: &mut Tx, team: Team, role: Option<TeamRole>) -> Result<TeamFacts, Error> {
    let members = if team.everybody { tx.count_users().await? } else { tx.count_members(team.id).await? };
    Ok(TeamFacts { team, role, members })
}
