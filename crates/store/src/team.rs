//! Teams.

use domain::{Team, TeamId, TeamSlug};

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

statements! { "teams", key "id";
    INSERT = "insert into teams (id, slug, name, details, created_at) values ($1, $2, $3, $4, $5) \
              on conflict do nothing";
    BY_ID = "select id, slug, name, details, created_at from teams where id = $1";
    FOR_UPDATE = "select id, slug, name, details, created_at from teams where id = $1",
        postgres " for update";
    BY_SLUG = "select id, slug, name, details, created_at from teams where slug = $1";
    ALL = "select id, slug, name, details, created_at from teams order by id";
    SAVE = "update teams set slug = $2, name = $3, details = $4 \
            where id = $1 and not exists (select id from teams where slug = $2 and id <> $1)";
    DELETE = "delete from teams where id = $1";
}

impl Tx {
    /// Adds a team.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "team address" }` when the slug is taken.
    pub async fn insert_team(&mut self, team: &Team) -> Result<(), StoreError> {
        let values = [
            team.id.into(),
            team.slug.as_str().into(),
            team.name.as_str().into(),
            json(&team.defaults)?.into(),
            team.created_at.into(),
        ];
        self.insert("team address", INSERT, values).await
    }

    /// The team with this id.
    pub async fn team(&mut self, id: TeamId) -> Result<Option<Team>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(team).transpose()
    }

    /// The team with this id, which nobody else can change before this transaction ends. Whoever
    /// changes its members takes this first.
    pub async fn team_for_update(&mut self, id: TeamId) -> Result<Option<Team>, StoreError> {
        self.row(FOR_UPDATE, [id.into()]).await?.as_ref().map(team).transpose()
    }

    /// The team with this address.
    pub async fn team_by_slug(&mut self, slug: &TeamSlug) -> Result<Option<Team>, StoreError> {
        self.row(BY_SLUG, [slug.as_str().into()]).await?.as_ref().map(team).transpose()
    }

    /// Every team, oldest first; the one everybody belongs to is the first of all.
    pub async fn teams(&mut self) -> Result<Vec<Team>, StoreError> {
        self.rows(ALL, []).await?.iter().map(team).collect()
    }

    /// Saves everything about a team.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "team address" }` when the slug is taken or the team is gone.
    pub async fn save_team(&mut self, team: &Team) -> Result<(), StoreError> {
        let values = [
            team.id.into(),
            team.slug.as_str().into(),
            team.name.as_str().into(),
            json(&team.defaults)?.into(),
        ];
        self.insert("team address", SAVE, values).await
    }

    /// Removes a team with its members, invitations and names of secrets; says whether there was one.
    /// Its workspaces, forges and data keys must be gone.
    pub async fn delete_team(&mut self, id: TeamId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }
}

pub(crate) fn team(row: &Row) -> Result<Team, StoreError> {
    let id = row.parsed("id")?;
    Ok(Team {
        id,
        slug: row.parsed("slug")?,
        name: row.text("name")?,
        defaults: row.json("details")?,
        everybody: id == Team::EVERYBODY,
        created_at: row.time("created_at")?,
    })
}
