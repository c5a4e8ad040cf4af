//! People: who they are, how they come in, what they may, and how they are put out at once.

use domain::{Caller, Role, Timestamp, User, UserId, UserName};
use store::{AuditEntry, Tx};
use vault::{Secret, Token};

use crate::control::Control;
use crate::error::Error;

mod account;
mod attempts;
mod handoff;
mod identity;
mod password;
mod revoked;
mod session;
mod setup;
mod sign_in;
mod sign_in_with;
mod token;
mod users;

pub(crate) use attempts::Attempts;
pub use handoff::HandedOver;
pub(crate) use identity::{Claimed, PasswordDoor, claim, is_last_way_in};
pub(crate) use password::Passwords;
pub(crate) use revoked::REVOKED_TOPIC;
pub(crate) use session::welcome;
pub(crate) use setup::later;
pub(crate) use sign_in_with::Found;

/// A fresh session: the user and the token for the browser's cookie, shown this once.
pub struct SignedIn {
    /// Who signed in.
    pub user: User,
    /// The session's token.
    pub token: Token,
}

/// What the first-run page sends.
pub struct SetUp {
    /// The one-time token from the server's output.
    pub token: String,
    /// Name of the first administrator.
    pub name: String,
    /// Password.
    pub password: Secret<String>,
    /// Author address for commits, if given.
    pub email: Option<String>,
    /// The browser, for the list of sessions.
    pub user_agent: String,
}

/// A person to add.
pub struct NewUser {
    /// What the person signs in with.
    pub name: String,
    /// First password.
    pub password: Secret<String>,
    /// Rights.
    pub role: Role,
    /// Author address for commits, if given.
    pub email: Option<String>,
}

/// What to change about a person; what is absent stays.
#[derive(Default)]
pub struct UserChange {
    /// Rights.
    pub role: Option<Role>,
    /// Whether the person is shut out.
    pub suspended: Option<bool>,
    /// A new password; ends every session of the person.
    pub password: Option<Secret<String>>,
}

/// Writes down who did what to whom. `detail` holds no secret.
pub(crate) async fn note(
    tx: &mut Tx,
    by: UserId,
    now: Timestamp,
    (action, subject): (&str, String),
    detail: String,
) -> Result<(), Error> {
    let entry = AuditEntry { at: now, caller: Some(by), action: action.into(), subject, detail };
    Ok(tx.append_audit(&entry).await?)
}

/// The caller's own record, which exists as long as a caller does.
async fn record(tx: &mut Tx, caller: &Caller) -> Result<User, Error> {
    let user = tx.user(caller.user).await?;
    user.ok_or_else(|| Error::Unauthenticated { why: "the account is gone".into() })
}

/// An e-mail address as git takes it, or a refusal.
fn parse_email(text: Option<String>) -> Result<Option<String>, Error> {
    let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let is_address = text.len() <= 254
        && text.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>".contains(c));
    if is_address {
        Ok(Some(text))
    } else {
        let what = format!("`{}` is not an e-mail address", text.chars().take(100).collect::<String>());
        Err(Error::invalid("email", what, "write it as `name@example.com`, or leave it out"))
    }
}

impl Control {
    /// The person that a text names, by id or by name.
    ///
    /// # Errors
    ///
    /// `not_found`.
    pub async fn person(&self, caller: &Caller, wanted: &str) -> Result<UserId, Error> {
        caller.scope(domain::Scope::All)?;
        let wanted = wanted.trim();
        let mut tx = self.inner.store.read().await?;
        let found = match (wanted.parse::<UserId>(), wanted.parse::<UserName>()) {
            (Ok(id), _) => tx.user(id).await?,
            (Err(_), Ok(name)) => tx.user_by_name(&name).await?.map(|(user, _)| user),
            (Err(_), Err(_)) => None,
        };
        found.map(|user| user.id).ok_or_else(|| Error::NotFound {
            what: format!("person `{}`", wanted.chars().take(64).collect::<String>()),
        })
    }

    /// Tells, after the commit, every live stream of `subject` (a user's, session's or token's id) to end.
    pub(crate) fn cut(tx: &mut Tx, subject: impl std::fmt::Display) {
        tx.nudge(revoked::topic(subject));
    }
}
