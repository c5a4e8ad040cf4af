//! Forges: columns for what is searched for, the whole as JSON.

use domain::{Forge, ForgeId, TeamId};

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

statements! { "forges", key "id";
    INSERT = "insert into forges (id, team, kind, web_url, details, updated_at) \
              values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    BY_ID = "select id, details from forges where id = $1";
    FOR_UPDATE = "select id, details from forges where id = $1", postgres " for update";
    ALL = "select id, details from forges order by id";
    OF_TEAM = "select id, details from forges where team = $1 order by id";
    SAVE = "update forges set team = $2, kind = $3, web_url = $4, details = $5, updated_at = $6 where id = $1";
    DELETE_SEALED = "delete from sealed where row = $1 \
                     or row in (select id from links where forge = $1) \
                     or row in (select id from attempts where forge = $1)";
    DELETE_IDENTITIES = "delete from identities where forge = $1 and not exists \
                         (select id from forges where web_url = identities.issuer and id <> $1)";
    DELETE = "delete from forges where id = $1";
}

impl Tx {
    /// Adds a forge.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "forge" }` when the id is taken.
    pub async fn insert_forge(&mut self, forge: &Forge) -> Result<(), StoreError> {
        self.insert("forge", INSERT, values(forge)?).await
    }

    /// The forge with this id.
    pub async fn forge(&mut self, id: ForgeId) -> Result<Option<Forge>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(forge).transpose()
    }

    /// The forge with this id, which nobody else can change before this transaction ends.
    pub async fn forge_for_update(&mut self, id: ForgeId) -> Result<Option<Forge>, StoreError> {
        self.row(FOR_UPDATE, [id.into()]).await?.as_ref().map(forge).transpose()
    }

    /// Every forge, of the platform and of teams, in the order they were registered.
    pub async fn forges(&mut self) -> Result<Vec<Forge>, StoreError> {
        self.rows(ALL, []).await?.iter().map(forge).collect()
    }

    /// The forges of one team, without the platform's.
    pub async fn forges_of_team(&mut self, team: TeamId) -> Result<Vec<Forge>, StoreError> {
        self.rows(OF_TEAM, [team.into()]).await?.iter().map(forge).collect()
    }

    /// Saves everything about a forge.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "forge" }` when it is gone.
    pub async fn save_forge(&mut self, forge: &Forge) -> Result<(), StoreError> {
        self.insert("forge", SAVE, values(forge)?).await
    }

    /// Removes a forge with its links, their sealed credentials, attempts under way, its own sealed
    /// secrets, and the identities it gave (those that another forge of the same issuer stands for as
    /// well stay); says whether there was one.
    pub async fn delete_forge(&mut self, id: ForgeId) -> Result<bool, StoreError> {
        self.execute(DELETE_SEALED, [id.into()]).await?;
        self.execute(DELETE_IDENTITIES, [id.into()]).await?;
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }
}

fn values(forge: &Forge) -> Result<[crate::value::Value; 6], StoreError> {
    Ok([
        forge.id.into(),
        forge.team.into(),
        forge.kind.as_str().into(),
        forge.issuer().into(),
        json(forge)?.into(),
        forge.updated_at.into(),
    ])
}

fn forge(row: &Row) -> Result<Forge, StoreError> {
    row.json("details")
}
