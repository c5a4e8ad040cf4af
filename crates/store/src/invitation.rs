//! Invitations to teams.

use domain::{Invitation, InvitationId, TeamId, Timestamp};
use vault::TokenHash;

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

statements! { "invitations", key "id";
    INSERT = "insert into invitations (id, team, hash, details, expires_at) values ($1, $2, $3, $4, $5)";
    BY_HASH = "select id, details from invitations where hash = $1";
    TAKE = "delete from invitations where hash = $1 returning id, details";
    OF_TEAM = "select id, details from invitations where team = $1 order by id desc";
    DELETE = "delete from invitations where id = $1 and team = $2";
    SWEEP = "delete from invitations where expires_at <= $1";
}

impl Tx {
    /// Adds an invitation; `hash` is of the token in its link.
    pub async fn insert_invitation(
        &mut self,
        invitation: &Invitation,
        hash: &TokenHash,
    ) -> Result<(), StoreError> {
        let values = [
            invitation.id.into(),
            invitation.team.into(),
            hash.as_bytes().into(),
            json(invitation)?.into(),
            invitation.expires_at.into(),
        ];
        self.insert("invitation", INSERT, values).await
    }

    /// The invitation with this link, over or not.
    pub async fn invitation_by_hash(&mut self, hash: &TokenHash) -> Result<Option<Invitation>, StoreError> {
        self.row(BY_HASH, [hash.as_bytes().into()]).await?.as_ref().map(invitation).transpose()
    }

    /// Takes an invitation out, over or not: of several callers one gets it.
    pub async fn take_invitation(&mut self, hash: &TokenHash) -> Result<Option<Invitation>, StoreError> {
        self.row(TAKE, [hash.as_bytes().into()]).await?.as_ref().map(invitation).transpose()
    }

    /// The invitations to a team, newest first, over or not.
    pub async fn invitations_of(&mut self, team: TeamId) -> Result<Vec<Invitation>, StoreError> {
        self.rows(OF_TEAM, [team.into()]).await?.iter().map(invitation).collect()
    }

    /// Takes an invitation to a team back; says whether there was one.
    pub async fn delete_invitation(&mut self, team: TeamId, id: InvitationId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into(), team.into()]).await? > 0)
    }

    /// Removes invitations whose time is over; says how many.
    pub async fn sweep_invitations(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(SWEEP, [now.into()]).await
    }
}

fn invitation(row: &Row) -> Result<Invitation, StoreError> {
    row.json("details")
}
