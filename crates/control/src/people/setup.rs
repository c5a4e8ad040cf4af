//! The first run: the one-time link, and the person who owns the machine.

use domain::{Caller, Role, SignedDuration, Timestamp, User, UserId, UserName, Via};
use store::Tx;
use vault::{Token, TokenHash};

use super::{SetUp, SignedIn, note, parse_email};
use crate::control::Control;
use crate::error::Error;
use crate::kites::announce_kite_rights;

/// Where the hash of the one-time token lies, with the time it ends.
const TOKEN: &str = "setup.token";
/// Where the id of the first administrator lies.
const FIRST_ADMIN: &str = "setup.admin";
/// Long enough for "I'll do it tomorrow morning"; a restart of the server makes a new one.
const LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

impl Control {
    /// Whether no administrator can sign in by password yet.
    pub async fn setup_needed(&self) -> Result<bool, Error> {
        // Never needed again once it was done, so that every page load after asks no database.
        if self.inner.is_set_up.get().is_some() {
            return Ok(false);
        }
        let mut tx = self.inner.store.read().await?;
        let needed = !has_admin_with_password(&mut tx).await?;
        if !needed {
            self.inner.is_set_up.get_or_init(|| ());
        }
        Ok(needed)
    }

    /// Makes the one-time set-up token, good for 24 hours. An earlier one stops working.
    ///
    /// # Errors
    ///
    /// 409 `set_up` when there is nothing to set up any more.
    pub async fn new_setup_token(&self) -> Result<Token, Error> {
        let token = Token::generate("hsetup", &*self.inner.entropy);
        let expires_at = later(self.now(), LINK_LIFETIME);
        let mut tx = self.inner.store.begin().await?;
        if has_admin_with_password(&mut tx).await? {
            return Err(already_set_up());
        }
        let hash = hex::encode(token.hash().as_bytes());
        tx.set_setting(TOKEN, &format!("{hash} {}", expires_at.as_second())).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// First run: the holder of the one-time token becomes administrator and is signed in.
    ///
    /// The administrator that [`Control::local_caller`] made before is the same person and gets the
    /// name and the password.
    pub async fn set_up(&self, wish: SetUp) -> Result<SignedIn, Error> {
        let name: UserName = wish
            .name
            .trim()
            .parse()
            .map_err(|bad| Error::invalid("name", bad, "choose a name without spaces, such as `ada`"))?;
        let email = parse_email(wish.email)?;
        // Judged before the slow work, and again below, where it counts.
        self.check_setup_token(&mut self.inner.store.read().await?, &wish.token).await?;
        let hash = self.inner.passwords.hash(wish.password, &name).await?;

        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        self.check_setup_token(&mut tx, &wish.token).await?;
        let user = match first_admin(&mut tx).await? {
            Some(mut user) => {
                user.name = name;
                user.email = email.or(user.email);
                tx.save_user(&user).await.map_err(|error| name_conflict(error, &user.name))?;
                tx.set_password(user.id, &hash).await?;
                user
            }
            None => {
                let user = self.fresh_admin(name, email, now);
                tx.insert_user(&user, Some(&hash)).await.map_err(|error| name_conflict(error, &user.name))?;
                tx.set_setting(FIRST_ADMIN, &user.id.to_string()).await?;
                user
            }
        };
        tx.delete_setting(TOKEN).await?;
        announce_kite_rights(&mut tx, user.id);
        note(&mut tx, user.id, now, ("setup.done", user.id.to_string()), user.name.to_string()).await?;
        let token = self.open_session(&mut tx, user.id, &wish.user_agent, now).await?;
        tx.commit().await?;
        self.inner.is_set_up.get_or_init(|| ());
        self.forget_user_name(user.id);
        Ok(SignedIn { user, token })
    }

    /// The caller on the Unix socket in the data directory: the user who runs the server, who is the
    /// first administrator, made on first use and named after the user of the operating system.
    pub async fn local_caller(&self, os_user: &str) -> Result<Caller, Error> {
        let found = first_admin(&mut self.inner.store.read().await?).await?;
        let user = match found {
            Some(user) => user,
            None => self.make_local_admin(os_user).await?,
        };
        if user.suspended_at.is_some() {
            return Err(Error::Forbidden { why: format!("user `{}` is suspended", user.name) });
        }
        Ok(Caller { user: user.id, role: user.role, via: Via::LocalSocket })
    }

    async fn make_local_admin(&self, os_user: &str) -> Result<User, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        // Somebody else may have been quicker.
        if let Some(user) = first_admin(&mut tx).await? {
            return Ok(user);
        }
        let mut user = self.fresh_admin(local_name(os_user)?, None, now);
        if tx.user_by_name(&user.name).await?.is_some() {
            user.name = local_name(&format!("{}-{}", user.name, user.id))?;
        }
        tx.insert_user(&user, None).await?;
        tx.set_setting(FIRST_ADMIN, &user.id.to_string()).await?;
        note(&mut tx, user.id, now, ("setup.local", user.id.to_string()), user.name.to_string()).await?;
        tx.commit().await?;
        Ok(user)
    }

    fn fresh_admin(&self, name: UserName, email: Option<String>, now: Timestamp) -> User {
        User {
            id: UserId::generate(now, &*self.inner.entropy),
            name,
            display_name: None,
            email,
            role: Role::Admin,
            suspended_at: None,
            created_at: now,
        }
    }

    async fn check_setup_token(&self, tx: &mut Tx, token: &str) -> Result<(), Error> {
        if has_admin_with_password(tx).await? {
            return Err(already_set_up());
        }
        let kept = tx.setting(TOKEN).await?;
        let is_good = kept
            .as_deref()
            .and_then(parse_kept)
            .is_some_and(|(hash, expires_at)| hash.matches(&TokenHash::of(token)) && self.now() < expires_at);
        if is_good {
            return Ok(());
        }
        let mend = "open the newest link the server printed; restarting the server prints a fresh one";
        Err(Error::invalid("token", "the set-up link is not valid, or not any more", mend))
    }
}

fn parse_kept(text: &str) -> Option<(TokenHash, Timestamp)> {
    let (hash, expires_at) = text.split_once(' ')?;
    let expires_at = Timestamp::from_second(expires_at.parse().ok()?).ok()?;
    Some((TokenHash::from_bytes(&hex::decode(hash).ok()?)?, expires_at))
}

fn local_name(os_user: &str) -> Result<UserName, Error> {
    let fallback = || "admin".parse();
    let parsed = os_user.parse().or_else(|_| fallback());
    parsed.map_err(|error| Error::Internal {
        what: "cannot name the local user".into(),
        source: Box::new(error),
    })
}

async fn first_admin(tx: &mut Tx) -> Result<Option<User>, Error> {
    let Some(id) = tx.setting(FIRST_ADMIN).await?.and_then(|text| text.parse().ok()) else { return Ok(None) };
    Ok(tx.user(id).await?)
}

async fn has_admin_with_password(tx: &mut Tx) -> Result<bool, Error> {
    for user in tx.users().await? {
        if user.role == Role::Admin && tx.password(user.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A store's conflict on a user's name, in words.
pub(super) fn name_conflict(error: store::StoreError, name: &UserName) -> Error {
    match error {
        store::StoreError::Conflict { .. } => Error::Conflict {
            code: "name_taken",
            what: format!("there is a user named `{name}` already"),
            mend: "choose another name".into(),
        },
        other => other.into(),
    }
}

fn already_set_up() -> Error {
    Error::Conflict {
        code: "set_up",
        what: "this server has been set up already".into(),
        mend: "sign in; an administrator can add people".into(),
    }
}

/// A later moment; the end of time where the sum does not exist.
pub(crate) fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
