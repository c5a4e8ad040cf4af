//! Which secrets a team has. Their values are sealed elsewhere.

use domain::{TeamId, Timestamp};

use crate::error::StoreError;
use crate::statement::statements;
use crate::tx::Tx;

/// A secret of a team, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName {
    /// Name of the variable that workspaces see it as.
    pub name: String,
    /// When it was first set.
    pub created_at: Timestamp,
    /// When its value last changed.
    pub updated_at: Timestamp,
}

statements! { "secret_names", key "name";
    PUT = "insert into secret_names (team, name, created_at, updated_at) values ($1, $2, $3, $3) \
           on conflict (team, name) do update set updated_at = excluded.updated_at";
    OF_TEAM = "select name, created_at, updated_at from secret_names where team = $1";
    COUNT = "select count(*) as count from secret_names where team = $1";
    DELETE = "delete from secret_names where team = $1 and name = $2";
}

impl Tx {
    /// Notes that a team's secret was set.
    ///
    /// # Errors
    ///
    /// `Unavailable` when there is no such team.
    pub async fn put_secret_name(
        &mut self,
        team: TeamId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(PUT, [team.into(), name.into(), now.into()]).await.map(drop)
    }

    /// A team's secrets by name.
    pub async fn secret_names(&mut self, team: TeamId) -> Result<Vec<SecretName>, StoreError> {
        let rows = self.rows(OF_TEAM, [team.into()]).await?;
        let names = rows.iter().map(|row| {
            Ok(SecretName {
                name: row.text("name")?,
                created_at: row.time("created_at")?,
                updated_at: row.time("updated_at")?,
            })
        });
        let mut names = names.collect::<Result<Vec<_>, StoreError>>()?;
        // By bytes, whatever order of letters the engine prefers.
        names.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(names)
    }

    /// How many secrets a team has.
    pub async fn count_secret_names(&mut self, team: TeamId) -> Result<u64, StoreError> {
        self.count(COUNT, [team.into()]).await
    }

    /// Forgets a team's secret; says whether there was one.
    pub async fn delete_secret_name(&mut self, team: TeamId, name: &str) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [team.into(), name.into()]).await? > 0)
    }
}
