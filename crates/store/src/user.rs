//! People and their passwords.

use domain::{GitPreferences, User, UserId, UserName};
use vault::PasswordHash;

use crate::error::StoreError;
use crate::row::{Row, json, word};
use crate::statement::statements;
use crate::tx::Tx;

statements! { "users", key "id";
    INSERT = "insert into users (id, name, display_name, email, role, password, suspended_at, created_at) \
              values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
    BY_ID = "select id, name, display_name, email, role, suspended_at, created_at from users where id = $1";
    BY_NAME = "select id, name, display_name, email, role, password, suspended_at, created_at \
               from users where name = $1";
    ALL = "select id, name, display_name, email, role, suspended_at, created_at from users order by id";
    SAVE = "update users set name = $2, display_name = $3, email = $4, role = $5, suspended_at = $6 \
            where id = $1 and not exists (select id from users where name = $2 and id <> $1)";
    SET_PASSWORD = "update users set password = $2 where id = $1";
    PASSWORD = "select id, password from users where id = $1";
    PREFERENCES = "select id, preferences from users where id = $1";
    SAVE_PREFERENCES = "update users set preferences = $2 where id = $1";
    COUNT = "select count(*) as count from users";
    SUSPENDED = "select id from users where suspended_at is not null";
}

impl Tx {
    /// Adds a person.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "user name" }` when the name is taken.
    pub async fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        let values = [
            user.id.into(),
            user.name.as_str().into(),
            user.display_name.as_deref().into(),
            user.email.as_deref().into(),
            word(&user.role).into(),
            password.map(|hash| hash.0.as_str()).into(),
            user.suspended_at.into(),
            user.created_at.into(),
        ];
        self.insert("user name", INSERT, values).await
    }

    /// The person with this id.
    pub async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(user).transpose()
    }

    /// The person who signs in with this name, and the password to check.
    pub async fn user_by_name(
        &mut self,
        name: &UserName,
    ) -> Result<Option<(User, Option<PasswordHash>)>, StoreError> {
        let row = self.row(BY_NAME, [name.as_str().into()]).await?;
        row.map(|row| Ok((user(&row)?, password(&row)?))).transpose()
    }

    /// Everybody, in the order they were added.
    pub async fn users(&mut self) -> Result<Vec<User>, StoreError> {
        self.rows(ALL, []).await?.iter().map(user).collect()
    }

    /// Saves everything about a person but the password.
    ///
    /// # Errors
    ///
    /// `Conflict` when the new name is taken or the person does not exist.
    pub async fn save_user(&mut self, user: &User) -> Result<(), StoreError> {
        let values = [
            user.id.into(),
            user.name.as_str().into(),
            user.display_name.as_deref().into(),
            user.email.as_deref().into(),
            word(&user.role).into(),
            user.suspended_at.into(),
        ];
        self.insert("user name", SAVE, values).await
    }

    /// Gives a person a new password.
    pub async fn set_password(&mut self, id: UserId, password: &PasswordHash) -> Result<(), StoreError> {
        self.insert("user", SET_PASSWORD, [id.into(), password.0.as_str().into()]).await
    }

    /// A person's password; `None` also for a person who has none.
    pub async fn password(&mut self, id: UserId) -> Result<Option<PasswordHash>, StoreError> {
        let row = self.row(PASSWORD, [id.into()]).await?;
        Ok(row.as_ref().map(password).transpose()?.flatten())
    }

    /// How Git behaves in a person's workspaces.
    pub async fn preferences(&mut self, id: UserId) -> Result<GitPreferences, StoreError> {
        let Some(row) = self.row(PREFERENCES, [id.into()]).await? else {
            return Ok(GitPreferences::default());
        };
        Ok(row.optional_json("preferences")?.unwrap_or_default())
    }

    /// Keeps a person's preferences.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "user" }` when there is no such person.
    pub async fn save_preferences(
        &mut self,
        id: UserId,
        preferences: &GitPreferences,
    ) -> Result<(), StoreError> {
        self.insert("user", SAVE_PREFERENCES, [id.into(), json(preferences)?.into()]).await
    }

    /// Everybody who is shut out.
    pub async fn suspended_users(&mut self) -> Result<Vec<UserId>, StoreError> {
        self.rows(SUSPENDED, []).await?.iter().map(|row| row.parsed("id")).collect()
    }

    /// How many people there are.
    pub async fn count_users(&mut self) -> Result<u64, StoreError> {
        self.count(COUNT, []).await
    }
}

fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.parsed("id")?,
        name: row.parsed("name")?,
        display_name: row.optional_text("display_name")?,
        email: row.optional_text("email")?,
        role: row.word("role")?,
        suspended_at: row.optional_time("suspended_at")?,
        created_at: row.time("created_at")?,
    })
}

fn password(row: &Row) -> Result<Option<PasswordHash>, StoreError> {
    Ok(row.optional_text("password")?.map(PasswordHash))
}
