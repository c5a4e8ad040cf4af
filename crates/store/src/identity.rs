//! Identities: whom an issuer's account signs in.

use domain::{ForgeId, Timestamp, UserId};

use crate::error::StoreError;
use crate::row::Row;
use crate::statement::statements;
use crate::tx::Tx;

/// Somebody's account at an issuer, and who that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The forge's address, as [`domain::Forge::issuer`] gives it.
    pub issuer: String,
    /// The issuer's unchanging id of the person.
    pub subject: String,
    /// Who that is here.
    pub user: UserId,
    /// The forge it was made with, as long as there is one.
    pub forge: Option<ForgeId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last signed in with it, if ever.
    pub last_used_at: Option<Timestamp>,
}

statements! { "identities", key "subject";
    INSERT = "insert into identities (issuer, subject, user_id, forge, created_at, last_used_at) \
              values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    GET = "select issuer, subject, user_id, forge, created_at, last_used_at \
           from identities where issuer = $1 and subject = $2";
    OF_USER = "select issuer, subject, user_id, forge, created_at, last_used_at \
               from identities where user_id = $1 order by created_at, issuer, subject";
    OF_FORGE = "select issuer, subject, user_id, forge, created_at, last_used_at \
                from identities where forge = $1 order by created_at, issuer, subject";
    TOUCH = "update identities set last_used_at = $3 where issuer = $1 and subject = $2 \
             and (last_used_at is null or last_used_at < $3)";
    DELETE = "delete from identities where issuer = $1 and subject = $2";
}

impl Tx {
    /// Adds an identity.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "identity" }` when the account signs somebody in already.
    pub async fn insert_identity(&mut self, identity: &Identity) -> Result<(), StoreError> {
        let values = [
            identity.issuer.as_str().into(),
            identity.subject.as_str().into(),
            identity.user.into(),
            identity.forge.into(),
            identity.created_at.into(),
            identity.last_used_at.into(),
        ];
        self.insert("identity", INSERT, values).await
    }

    /// Whom an account signs in.
    pub async fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
        self.row(GET, [issuer.into(), subject.into()]).await?.as_ref().map(identity).transpose()
    }

    /// A person's identities, oldest first.
    pub async fn identities_of(&mut self, user: UserId) -> Result<Vec<Identity>, StoreError> {
        self.rows(OF_USER, [user.into()]).await?.iter().map(identity).collect()
    }

    /// The identities that were made with a forge, oldest first.
    pub async fn identities_of_forge(&mut self, forge: ForgeId) -> Result<Vec<Identity>, StoreError> {
        self.rows(OF_FORGE, [forge.into()]).await?.iter().map(identity).collect()
    }

    /// Notes that somebody signed in with it.
    pub async fn touch_identity(
        &mut self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(TOUCH, [issuer.into(), subject.into(), now.into()]).await.map(drop)
    }

    /// Removes an identity; says whether there was one.
    pub async fn delete_identity(&mut self, issuer: &str, subject: &str) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [issuer.into(), subject.into()]).await? > 0)
    }
}

fn identity(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.text("issuer")?,
        subject: row.text("subject")?,
        user: row.parsed("user_id")?,
        forge: row.optional_parsed("forge")?,
        created_at: row.time("created_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}
