//! Coming in by password.

use domain::{SessionId, SignedDuration, Timestamp, User, UserId, UserName};
use store::{Session, Tx};
use vault::{Secret, Token};

use super::setup::later;
use super::{SignedIn, note};
use crate::control::Control;
use crate::error::Error;

/// A month: long enough that nobody signs in daily, short enough that a forgotten browser drops out.
const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A user agent longer than this is cut; it is shown in a list.
const USER_AGENT_MAX: usize = 300;

impl Control {
    /// Signs a person in.
    ///
    /// Unknown names take as long and answer the same as wrong passwords.
    ///
    /// # Errors
    ///
    /// `unauthenticated` for a wrong name or password, `too_many` after ten wrong ones in a row,
    /// `forbidden` for somebody who is suspended (told only with the right password), 409
    /// `password_sign_in_off` where nobody signs in by password.
    pub async fn sign_in(
        &self,
        name: &str,
        password: Secret<String>,
        user_agent: &str,
    ) -> Result<SignedIn, Error> {
        let user = self.person_of_password(name, password).await?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        // Read again: a suspension may have come while the password was checked.
        let user = tx.user(user.id).await?.filter(|user| user.suspended_at.is_none());
        let Some(user) = user else {
            return Err(Error::Forbidden { why: "this account is suspended".into() });
        };
        let token = self.open_session(&mut tx, user.id, user_agent, now).await?;
        note(&mut tx, user.id, now, ("session.open", user.id.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(SignedIn { user, token })
    }

    /// The person with this name and password, who may be suspended: to be read again where it counts.
    ///
    /// Unknown names take as long and answer the same as wrong passwords.
    ///
    /// # Errors
    ///
    /// As [`Control::sign_in`], but for suspension.
    pub(crate) async fn person_of_password(
        &self,
        name: &str,
        password: Secret<String>,
    ) -> Result<User, Error> {
        if !self.password_sign_in().await? {
            return Err(Error::Conflict {
                code: "password_sign_in_off",
                what: "nobody signs in with a password here".into(),
                mend: "sign in with one of the providers on the sign-in page".into(),
            });
        }
        let key = name.trim().to_lowercase();
        self.take_attempt(&key)?;
        let found = match name.trim().parse::<UserName>() {
            Ok(name) => self.inner.store.read().await?.user_by_name(&name).await?,
            Err(_) => None,
        };
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        let is_right = self.inner.passwords.verify(password, hash).await?;
        let Some(user) = user.filter(|_| is_right) else {
            tracing::info!("somebody could not sign in");
            return Err(Error::Unauthenticated { why: "the name or the password is wrong".into() });
        };
        self.attempts().succeeded(&key);
        Ok(user)
    }

    /// Makes a session and answers its token.
    pub(super) async fn open_session(
        &self,
        tx: &mut Tx,
        user: UserId,
        user_agent: &str,
        now: Timestamp,
    ) -> Result<Token, Error> {
        let token = Token::generate("hsession", &*self.inner.entropy);
        let id = SessionId::generate(now, &*self.inner.entropy);
        let session = Session {
            id,
            user,
            hash: token.hash(),
            user_agent: shown_agent(user_agent),
            created_at: now,
            last_seen_at: now,
            expires_at: later(now, SESSION_LIFETIME),
            forge: None,
            sign_in: id,
        };
        tx.insert_session(&session).await?;
        Ok(token)
    }

    /// Takes one of the tries of `key`.
    pub(super) fn take_attempt(&self, key: &str) -> Result<(), Error> {
        self.attempts().take(key, self.now()).map_err(|retry_after| Error::TooMany {
            what: "too many wrong passwords for this name".into(),
            retry_after,
        })
    }
}

/// A browser's name for itself, as it is kept.
pub(super) fn shown_agent(user_agent: &str) -> String {
    user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_MAX).collect()
}
