//! One's own account.

use domain::{Caller, User, Via};
use vault::Secret;

use super::{note, record};
use crate::control::Control;
use crate::error::Error;

impl Control {
    /// The caller's own record.
    pub async fn me(&self, caller: &Caller) -> Result<User, Error> {
        record(&mut self.inner.store.read().await?, caller).await
    }

    /// Changes the caller's password and ends every other session of the caller.
    ///
    /// The old one is asked for wherever there is one, except on the Unix socket: who runs the server
    /// can read its database anyway, and may have forgotten it.
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: Option<Secret<String>>,
        new: Secret<String>,
    ) -> Result<(), Error> {
        caller.in_person()?;
        let mut tx = self.inner.store.read().await?;
        let user = record(&mut tx, caller).await?;
        let present = tx.password(user.id).await?;
        drop(tx);
        if let Some(present) = present
            && caller.via != Via::LocalSocket
        {
            let key = user.name.as_str().to_lowercase();
            self.take_attempt(&key)?;
            let Some(old) = old else {
                return Err(Error::invalid("old", "the present password is missing", "give it as `old`"));
            };
            if !self.inner.passwords.verify(old, Some(present)).await? {
                return Err(Error::invalid("old", "the present password is wrong", "type it again"));
            }
            self.attempts().succeeded(&key);
        }
        let hash = self.inner.passwords.hash(new, &user.name).await?;

        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        tx.set_password(user.id, &hash).await?;
        for session in tx.sessions_of(user.id).await? {
            if caller.via != Via::Session(session.id) {
                tx.delete_session(session.id).await?;
                Self::cut(&mut tx, session.id);
            }
        }
        note(&mut tx, user.id, now, ("password.change", user.id.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(())
    }
}
