//! Coming in with an account of a forge.

use domain::{Account, Forge, Role, SessionId, SignedDuration, Timestamp, User, UserId};
use forge::Tokens;
use store::{Session, Tx};
use vault::Token;

use super::setup::later;
use super::sign_in::shown_agent;
use super::{note, parse_email};
use crate::control::Control;
use crate::error::Error;
use crate::links::{Refusal, admit, names};

/// A month, as with a password: the session ends sooner when the forge takes the account's credential no more.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Where nothing can be asked of the forge after the first hour, because it gave no refresh token: a working day.
const UNWATCHED: SignedDuration = SignedDuration::from_hours(12);
/// A display name longer than this does not fit a list.
const DISPLAY_NAME_MAX: usize = 100;

/// Whom an account signs in.
pub(crate) enum Found {
    /// This person, who was here before.
    Known(User),
    /// This person, who was made just now.
    Fresh(User),
    /// Nobody: no account is made for it.
    Refused(Refusal),
}

impl Control {
    /// Whom an account signs in; somebody new where the forge's rule says so.
    pub(crate) async fn person_of(
        &self,
        tx: &mut Tx,
        forge: &Forge,
        account: &Account,
        now: Timestamp,
    ) -> Result<Found, Error> {
        let gone = || Error::Unauthenticated { why: "the account is gone".into() };
        if let Some(identity) = tx.identity(&forge.issuer(), &account.subject).await? {
            tx.touch_identity(&identity.issuer, &identity.subject, now).await?;
            return Ok(Found::Known(tx.user(identity.user).await?.ok_or_else(gone)?));
        }
        // Linked before accounts of this forge signed anybody in. Only where the forge itself had its owner
        // consent: whoever holds a pasted token need not be its owner.
        if let Some(link) = tx.link_by_subject(forge.id, &account.subject).await?
            && link.method != domain::LinkMethod::PersonalToken
        {
            super::identity::claim(tx, forge, &account.subject, link.user, now).await?;
            tx.touch_identity(&forge.issuer(), &account.subject, now).await?;
            return Ok(Found::Known(tx.user(link.user).await?.ok_or_else(gone)?));
        }
        if let Err(refusal) = admit(&forge.sign_up, account) {
            return Ok(Found::Refused(refusal));
        }
        let user = self.make_person(tx, forge, account, now).await?;
        super::identity::claim(tx, forge, &account.subject, user.id, now).await?;
        tx.touch_identity(&forge.issuer(), &account.subject, now).await?;
        Ok(Found::Fresh(user))
    }

    async fn make_person(
        &self,
        tx: &mut Tx,
        forge: &Forge,
        account: &Account,
        now: Timestamp,
    ) -> Result<User, Error> {
        let display = |name: &String| {
            let name: String = name.chars().filter(|c| !c.is_control()).take(DISPLAY_NAME_MAX).collect();
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        };
        // An address the forge does not vouch for would make commits look like somebody else's.
        let email = account.email.clone().filter(|_| account.email_verified);
        let mut user = User {
            id: UserId::generate(now, &*self.inner.entropy),
            name: names("").next().ok_or_else(unnamed)?,
            display_name: account.name.as_ref().and_then(display),
            email: parse_email(email).unwrap_or_default(),
            role: Role::Member,
            suspended_at: None,
            created_at: now,
        };
        let mut free = None;
        for name in names(&account.login) {
            if tx.user_by_name(&name).await?.is_none() {
                free = Some(name);
                break;
            }
        }
        user.name = free.ok_or_else(unnamed)?;
        tx.insert_user(&user, None).await?;
        let said = format!("{} by signing in with {}", user.name, forge.name);
        note(tx, user.id, now, ("user.create", user.id.to_string()), said).await?;
        Ok(user)
    }

    /// Makes a session that was signed in with a forge, and answers its token.
    pub(crate) async fn open_session_with(
        &self,
        tx: &mut Tx,
        user: UserId,
        forge: &Forge,
        tokens: &Tokens,
        user_agent: &str,
    ) -> Result<Token, Error> {
        let now = self.now();
        let token = Token::generate("hsession", &*self.inner.entropy);
        let id = SessionId::generate(now, &*self.inner.entropy);
        let is_watched = tokens.refresh.is_some() || tokens.expires_in.is_none();
        let session = Session {
            id,
            user,
            hash: token.hash(),
            user_agent: shown_agent(user_agent),
            created_at: now,
            last_seen_at: now,
            expires_at: later(now, if is_watched { LIFETIME } else { UNWATCHED }),
            forge: Some(forge.id),
            sign_in: id,
        };
        tx.insert_session(&session).await?;
        note(tx, user, now, ("session.open", user.to_string()), format!("with {}", forge.name)).await?;
        Ok(token)
    }
}

fn unnamed() -> Error {
    Error::Conflict {
        code: "name_taken",
        what: "every name like that of the account is taken".into(),
        mend: "ask an administrator to make an account for you, then link yours".into(),
    }
}
