//! Invitations: a link that lets its first visitor into a team.

use domain::{
    Caller, Invitation, InvitationId, Membership, Role, SignedDuration, Team, TeamRole, Timestamp, UserName,
};
use store::Tx;
use vault::{Token, TokenHash};

use super::{TeamFacts, announce_place, manage, refuse_everybody, require, standing};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// Days an invitation is good for when nobody says.
const DAYS: u32 = 7;
/// An invitation older than this has been forgotten in somebody's mailbox.
const DAYS_MAX: u32 = 30;
/// More are forgotten ones.
const OPEN_MAX: usize = 100;
/// A note longer than this does not fit a list.
const NOTE_MAX: usize = 200;
/// Longer texts are no tokens of ours and are not even hashed.
const TOKEN_TEXT_MAX: usize = 200;

/// An invitation to make.
#[derive(Debug, Clone, Default)]
pub struct InvitationWish {
    /// As what; a member where absent.
    pub role: Option<TeamRole>,
    /// Who it is meant for, to remember.
    pub note: Option<String>,
    /// Days until it ends; 7 where absent, at most 30.
    pub expires_in_days: Option<u32>,
}

/// What an invitation's link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationFacts {
    /// The team.
    pub team: Team,
    /// As what.
    pub role: TeamRole,
    /// Who invited.
    pub by: UserName,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Control {
    /// Makes an invitation. The second value is the token for its link, shown this once. Administrators of
    /// the team invite members, owners whomever.
    pub async fn invite(
        &self,
        caller: &Caller,
        wanted: &str,
        wish: InvitationWish,
    ) -> Result<(Invitation, Token), Error> {
        let days = wish.expires_in_days.unwrap_or(DAYS);
        if !(1..=DAYS_MAX).contains(&days) {
            let what = format!("an invitation is good for 1 to {DAYS_MAX} days, not {days}");
            return Err(Error::invalid("expires_in_days", what, "choose fewer days"));
        }
        let text = wish.note.unwrap_or_default();
        let text = text.trim();
        if text.chars().count() > NOTE_MAX || text.chars().any(char::is_control) {
            let what = format!("a note has at most {NOTE_MAX} visible characters");
            return Err(Error::invalid("note", what, "write a name or an address"));
        }
        let role = wish.role.unwrap_or(TeamRole::Member);
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let seen = manage(&mut tx, caller, wanted, TeamRole::Admin).await?;
        refuse_everybody(&seen.team, "nobody has to be invited")?;
        require(&seen, needed_for(role))?;
        tx.sweep_invitations(now).await?;
        if tx.invitations_of(seen.team.id).await?.len() >= OPEN_MAX {
            return Err(Error::Conflict {
                code: "too_many_invitations",
                what: format!("there are {OPEN_MAX} open invitations already"),
                mend: "take back those that nobody will use any more".into(),
            });
        }
        let token = Token::generate("hinvite", &*self.inner.entropy);
        let life = SignedDuration::from_hours(24 * i64::from(days));
        let invitation = Invitation {
            id: InvitationId::generate(now, &*self.inner.entropy),
            team: seen.team.id,
            role,
            note: text.to_owned(),
            by: caller.user,
            created_at: now,
            expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
        };
        tx.insert_invitation(&invitation, &token.hash()).await?;
        let detail = format!("{} {role:?}", invitation.id).to_lowercase();
        note(&mut tx, caller.user, now, ("team.invite", seen.team.id.to_string()), detail).await?;
        tx.commit().await?;
        Ok((invitation, token))
    }

    /// The invitations to a team that are good now, newest first. For its administrators.
    pub async fn invitations(&self, caller: &Caller, wanted: &str) -> Result<Vec<Invitation>, Error> {
        caller.scope(domain::Scope::All)?;
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let seen = super::see(&mut tx, caller, wanted).await?;
        require(&seen, TeamRole::Admin)?;
        let mut invitations = tx.invitations_of(seen.team.id).await?;
        invitations.retain(|invitation| now < invitation.expires_at);
        Ok(invitations)
    }

    /// Takes an invitation back. For the team's administrators.
    pub async fn revoke_invitation(
        &self,
        caller: &Caller,
        wanted: &str,
        id: InvitationId,
    ) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let team = manage(&mut tx, caller, wanted, TeamRole::Admin).await?.team;
        if !tx.delete_invitation(team.id, id).await? {
            return Err(Error::missing("invitation", id));
        }
        note(&mut tx, caller.user, now, ("team.invitation.revoke", team.id.to_string()), id.to_string())
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What an invitation's link leads to. Whoever holds the link may know.
    ///
    /// # Errors
    ///
    /// 409 `invitation_over` for one that is unknown, used, taken back or over, or whose inviter may not
    /// invite any more: all the same.
    pub async fn preview_invitation(&self, token: &str) -> Result<InvitationFacts, Error> {
        let hash = parse_token(token)?;
        let mut tx = self.inner.store.read().await?;
        let invitation = tx.invitation_by_hash(&hash).await?.ok_or_else(is_over)?;
        self.check(&mut tx, &invitation).await
    }

    /// Takes an invitation up: the caller gets the place in the team. It works once.
    ///
    /// # Errors
    ///
    /// As [`Control::preview_invitation`]; 409 `already_member` leaves the invitation to somebody else.
    pub async fn accept_invitation(&self, caller: &Caller, token: &str) -> Result<TeamFacts, Error> {
        caller.in_person()?;
        let hash = parse_token(token)?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let invitation = tx.take_invitation(&hash).await?.ok_or_else(is_over)?;
        // Whoever changes the inviter's place waits until this is done, or the other way round.
        tx.team_for_update(invitation.team).await?;
        let InvitationFacts { team, role, .. } = self.check(&mut tx, &invitation).await?;
        let present = tx.member(team.id, caller.user).await?;
        if present >= Some(role) {
            return Err(Error::Conflict {
                code: "already_member",
                what: format!("you belong to the team `{}` already", team.slug),
                mend: "pass the link on to whom it is meant for".into(),
            });
        }
        let member = Membership { team: team.id, user: caller.user, role, since: now };
        tx.put_member(&member).await?;
        announce_place(&mut tx, caller.user, present, Some(role));
        let detail = format!("{} {role:?}", invitation.id).to_lowercase();
        note(&mut tx, caller.user, now, ("team.join", team.id.to_string()), detail).await?;
        let facts = super::facts(&mut tx, team, Some(role)).await?;
        tx.commit().await?;
        Ok(facts)
    }

    /// Checks that an invitation is good now, also that who made it still may.
    async fn check(&self, tx: &mut Tx, invitation: &Invitation) -> Result<InvitationFacts, Error> {
        let team = tx.team(invitation.team).await?.ok_or_else(is_over)?;
        let by = tx.user(invitation.by).await?.filter(|by| by.suspended_at.is_none()).ok_or_else(is_over)?;
        let may = by.role == Role::Admin
            || standing(tx, team.id, by.id, by.role).await? >= Some(needed_for(invitation.role));
        if !may || self.now() >= invitation.expires_at {
            return Err(is_over());
        }
        Ok(InvitationFacts { team, role: invitation.role, by: by.name, expires_at: invitation.expires_at })
    }
}

/// What somebody must be to invite as `role`.
fn needed_for(role: TeamRole) -> TeamRole {
    if role == TeamRole::Member { TeamRole::Admin } else { TeamRole::Owner }
}

fn parse_token(token: &str) -> Result<TokenHash, Error> {
    if token.len() > TOKEN_TEXT_MAX {
        return Err(is_over());
    }
    Ok(TokenHash::of(token))
}

fn is_over() -> Error {
    Error::Conflict {
        code: "invitation_over",
        what: "this invitation is not valid, or not any more".into(),
        mend: "ask whoever sent it for a new one".into(),
    }
}
