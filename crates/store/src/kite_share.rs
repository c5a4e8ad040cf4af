//! Whose kites are shared with whom.

use domain::{ShareSubject, TeamId, Timestamp, UserId};

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// One person who may call what another one owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteShare {
    /// Whose kite it is.
    pub owner: UserId,
    /// What is shared.
    pub subject: ShareSubject,
    /// With whom.
    pub user: UserId,
    /// Since when.
    pub created_at: Timestamp,
}

statements! { "kite_shares", key "owner";
    PUT = "insert into kite_shares (owner, subject, user_id, workspace, created_at) values ($1, $2, $3, $4, $5) \
           on conflict (owner, subject, user_id) do nothing";
    OF_OWNER = "select owner, subject, user_id, created_at from kite_shares where owner = $1 \
                order by subject, created_at, user_id";
    OF_SUBJECT = "select owner, subject, user_id, created_at from kite_shares where owner = $1 and subject = $2 \
                  order by created_at, user_id";
    COUNT_OF = "select count(*) as count from kite_shares where owner = $1";
    // Only while the workspace is still its owner's and the owner belongs to its team.
    WITH = "select s.owner, s.subject, s.user_id, s.created_at from kite_shares s \
            join users u on u.id = s.owner \
            left join workspaces w on w.id = s.workspace \
            left join members m on m.team = w.team and m.user_id = s.owner \
            where s.user_id = $1 and u.suspended_at is null \
            and (s.workspace is null or (w.owner = s.owner and (w.team = $2 or m.role is not null))) \
            order by s.owner, s.subject";
    DELETE = "delete from kite_shares where owner = $1 and subject = $2 and user_id = $3";
}

impl Tx {
    /// Shares something with somebody; says whether it was not shared before.
    ///
    /// # Errors
    ///
    /// `Conflict` when the workspace or the person is gone.
    pub async fn put_kite_share(&mut self, share: &KiteShare) -> Result<bool, StoreError> {
        let workspace = match &share.subject {
            ShareSubject::Workspace(id) => Some(*id),
            ShareSubject::Service { .. } => None,
        };
        let values = [
            share.owner.into(),
            share.subject.to_string().into(),
            share.user.into(),
            workspace.into(),
            share.created_at.into(),
        ];
        Ok(self.execute(PUT, values).await? > 0)
    }

    /// What somebody shares.
    pub async fn kite_shares_of(&mut self, owner: UserId) -> Result<Vec<KiteShare>, StoreError> {
        self.rows(OF_OWNER, [owner.into()]).await?.iter().map(share).collect()
    }

    /// With whom something is shared, longest first.
    pub async fn kite_shares(
        &mut self,
        owner: UserId,
        subject: &ShareSubject,
    ) -> Result<Vec<KiteShare>, StoreError> {
        self.rows(OF_SUBJECT, [owner.into(), subject.to_string().into()]).await?.iter().map(share).collect()
    }

    /// How many shares somebody has made.
    pub async fn count_kite_shares(&mut self, owner: UserId) -> Result<u64, StoreError> {
        self.count(COUNT_OF, [owner.into()]).await
    }

    /// What is shared with somebody and good now: its owner is welcome, and for a workspace in its team, of which
    /// `everybody` needs no membership.
    pub async fn kite_shares_with(
        &mut self,
        user: UserId,
        everybody: TeamId,
    ) -> Result<Vec<KiteShare>, StoreError> {
        self.rows(WITH, [user.into(), everybody.into()]).await?.iter().map(share).collect()
    }

    /// Shares something with somebody no more; says whether it was shared.
    pub async fn delete_kite_share(
        &mut self,
        owner: UserId,
        subject: &ShareSubject,
        user: UserId,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [owner.into(), subject.to_string().into(), user.into()]).await? > 0)
    }
}

fn share(row: &Row) -> Result<KiteShare, StoreError> {
    Ok(KiteShare {
        owner: row.parsed("owner")?,
        subject: row.parsed("subject")?,
        user: row.parsed("user_id")?,
        created_at: row.time("created_at")?,
    })
}
