//! Everybody: adding people, changing their rights, shutting them out.

use domain::{Caller, Role, User, UserId, UserName};
use store::{AuditEntry, Tx};

use super::setup::name_conflict;
use super::{NewUser, UserChange, note, parse_email};
use crate::control::Control;
use crate::error::Error;

/// Most entries of the audit log in one answer.
const AUDIT_PAGE: u32 = 500;

impl Control {
    /// Everybody. For administrators.
    pub async fn users(&self, caller: &Caller) -> Result<Vec<User>, Error> {
        caller.administer()?;
        Ok(self.inner.store.read().await?.users().await?)
    }

    /// Adds a person. For administrators.
    pub async fn create_user(&self, caller: &Caller, wish: NewUser) -> Result<User, Error> {
        caller.administer()?;
        let name: UserName = wish
            .name
            .trim()
            .parse()
            .map_err(|bad| Error::invalid("name", bad, "choose a name without spaces, such as `ada`"))?;
        let email = parse_email(wish.email)?;
        let hash = self.inner.passwords.hash(wish.password, &name).await?;
        let now = self.now();
        let user = User {
            id: UserId::generate(now, &*self.inner.entropy),
            name,
            display_name: None,
            email,
            role: wish.role,
            suspended_at: None,
            created_at: now,
        };
        let mut tx = self.inner.store.begin().await?;
        tx.insert_user(&user, Some(&hash)).await.map_err(|error| name_conflict(error, &user.name))?;
        note(&mut tx, caller.user, now, ("user.create", user.id.to_string()), user.name.to_string()).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes a person's rights or password, or shuts the person out. For administrators.
    ///
    /// A suspension ends every session and live stream of the person within a second, and voids one-time codes; API
    /// tokens rest until it is lifted.
    ///
    /// # Errors
    ///
    /// 409 `last_admin` when nobody would be left to run the platform.
    pub async fn update_user(&self, caller: &Caller, id: UserId, change: UserChange) -> Result<User, Error> {
        caller.administer()?;
        let user = self.inner.store.read().await?.user(id).await?;
        let user = user.ok_or_else(|| Error::missing("user", id))?;
        let hash = match change.password {
            Some(password) => Some(self.inner.passwords.hash(password, &user.name).await?),
            None => None,
        };

        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let before = tx.user(id).await?.ok_or_else(|| Error::missing("user", id))?;
        let mut user = before.clone();
        user.role = change.role.unwrap_or(user.role);
        match change.suspended {
            Some(true) => user.suspended_at = user.suspended_at.or(Some(now)),
            Some(false) => user.suspended_at = None,
            None => {}
        }
        refuse_to_lose_the_last_admin(&mut tx, &before, &user).await?;
        tx.save_user(&user).await?;
        if let Some(hash) = &hash {
            tx.set_password(id, hash).await?;
        }
        let is_shut_out = user.suspended_at.is_some();
        if is_shut_out || hash.is_some() {
            tx.delete_sessions_of(id).await?;
        }
        if is_shut_out {
            tx.delete_kite_codes_of(id).await?;
        }
        if is_shut_out || hash.is_some() || user.role != before.role {
            Self::cut(&mut tx, id);
        }
        note(
            &mut tx,
            caller.user,
            now,
            ("user.update", id.to_string()),
            said(&before, &user, hash.is_some()),
        )
        .await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Who did what, newest first. `before` is the number of the last entry of the page before. For
    /// administrators.
    pub async fn audit(
        &self,
        caller: &Caller,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, Error> {
        caller.administer()?;
        Ok(self.inner.store.read().await?.audit(before, limit.clamp(1, AUDIT_PAGE)).await?)
    }

    /// A user's name, for showing beside what belongs to the user; kept in memory.
    pub async fn user_name(&self, id: UserId) -> Result<UserName, Error> {
        let kept = self.user_names().get(&id).cloned();
        if let Some(name) = kept {
            return Ok(name);
        }
        let user = self.inner.store.read().await?.user(id).await?;
        let user = user.ok_or_else(|| Error::missing("user", id))?;
        self.user_names().insert(id, user.name.clone());
        Ok(user.name)
    }

    /// Forgets a name that has changed.
    pub(super) fn forget_user_name(&self, id: UserId) {
        self.user_names().remove(&id);
    }
}

async fn refuse_to_lose_the_last_admin(tx: &mut Tx, before: &User, after: &User) -> Result<(), Error> {
    let runs_it = |user: &User| user.role == Role::Admin && user.suspended_at.is_none();
    if !runs_it(before) || runs_it(after) {
        return Ok(());
    }
    let others = tx.users().await?.iter().any(|user| user.id != after.id && runs_it(user));
    if others {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "last_admin",
        what: format!("`{}` is the only administrator", after.name),
        mend: "make somebody else an administrator first".into(),
    })
}

fn said(before: &User, after: &User, new_password: bool) -> String {
    let mut said = Vec::new();
    if before.role != after.role {
        said.push(format!("role {:?}", after.role).to_lowercase());
    }
    match (before.suspended_at, after.suspended_at) {
        (None, Some(_)) => said.push("suspended".into()),
        (Some(_), None) => said.push("welcome again".into()),
        _ => {}
    }
    if new_password {
        said.push("new password".into());
    }
    said.join(", ")
}
