//! Who belongs to which team. That everybody belongs to [`Team::EVERYBODY`] is not written here.

use domain::{Membership, Team, TeamId, TeamRole, UserId};

use crate::error::StoreError;
use crate::row::{Row, word};
use crate::statement::statements;
use crate::team;
use crate::tx::Tx;

statements! { "members", key "team";
    PUT = "insert into members (team, user_id, role, since) values ($1, $2, $3, $4) \
           on conflict (team, user_id) do update set role = excluded.role";
    GET = "select team, user_id, role, since from members where team = $1 and user_id = $2";
    OF_TEAM = "select team, user_id, role, since from members where team = $1 order by since, user_id";
    TEAMS_OF = "select t.id, t.slug, t.name, t.details, t.created_at, m.role as role from members m \
                join teams t on t.id = m.team where m.user_id = $1 order by t.id";
    COUNT = "select count(*) as count from members where team = $1";
    COUNT_OWNERS = "select count(*) as count from members where team = $1 and role = 'owner'";
    DELETE = "delete from members where team = $1 and user_id = $2";
}

impl Tx {
    /// Gives somebody a place in a team, or another role there; since when stays.
    ///
    /// # Errors
    ///
    /// `Unavailable` when there is no such team or person.
    pub async fn put_member(&mut self, member: &Membership) -> Result<(), StoreError> {
        let values = [member.team.into(), member.user.into(), word(&member.role).into(), member.since.into()];
        self.execute(PUT, values).await.map(drop)
    }

    /// What somebody is in a team; `None` for whoever has no place of their own there.
    pub async fn member(&mut self, team: TeamId, user: UserId) -> Result<Option<TeamRole>, StoreError> {
        self.row(GET, [team.into(), user.into()]).await?.map(|row| row.word("role")).transpose()
    }

    /// The members of a team, longest first.
    pub async fn members(&mut self, team: TeamId) -> Result<Vec<Membership>, StoreError> {
        self.rows(OF_TEAM, [team.into()]).await?.iter().map(membership).collect()
    }

    /// The teams somebody has a place of their own in, oldest team first, and as what.
    pub async fn teams_of(&mut self, user: UserId) -> Result<Vec<(Team, TeamRole)>, StoreError> {
        let rows = self.rows(TEAMS_OF, [user.into()]).await?;
        rows.iter().map(|row| Ok((team::team(row)?, row.word("role")?))).collect()
    }

    /// How many members a team has.
    pub async fn count_members(&mut self, team: TeamId) -> Result<u64, StoreError> {
        self.count(COUNT, [team.into()]).await
    }

    /// How many owners a team has.
    pub async fn count_owners(&mut self, team: TeamId) -> Result<u64, StoreError> {
        self.count(COUNT_OWNERS, [team.into()]).await
    }

    /// Takes somebody out of a team; says whether they were in it.
    pub async fn delete_member(&mut self, team: TeamId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [team.into(), user.into()]).await? > 0)
    }
}

fn membership(row: &Row) -> Result<Membership, StoreError> {
    Ok(Membership {
        team: row.parsed("team")?,
        user: row.parsed("user_id")?,
        role: row.word("role")?,
        since: row.time("since")?,
    })
}
