//! `registerMachine`: a first kite key for somebody who has none, for a one-time code or a password.

use std::time::Duration;

use kite::{Error, Request};
use serde::Deserialize;
use tokio::time::Instant;
use vault::Secret;

use crate::connection::{Origin, Session};
use crate::errors::too_many;
use crate::field::field_of;
use crate::policy::{Credential, KeyOrder, Reach, Refused};
use crate::registry::Registry;
use crate::tokens::Sent;

/// How long somebody may take to type a password; as the original.
const TYPING: Duration = Duration::from_mins(10);
/// Longest password and code that are looked at, in bytes.
const MAX_SECRET: usize = 1024;
/// Longest name of a key, in bytes.
const MAX_NAME: usize = 255;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    auth_type: String,
    #[serde(default)]
    token: String,
    /// Whose password; otherwise the user name in the call's own kite.
    #[serde(default)]
    username: String,
}

impl Registry {
    pub(crate) async fn register_machine(self, request: Request) -> Result<Sent, Error> {
        let wanted: Wanted = request.arg()?;
        let address = request.context().get::<Origin>().and_then(|origin| origin.address);
        if !self.limits().machines.take(address, Instant::now()) {
            return Err(Error::rate_limited());
        }
        let session = request.context().get::<Session>();
        let mut _typing = None;
        let credential = match wanted.auth_type.as_str() {
            "token" if wanted.token.is_empty() || wanted.token.len() > MAX_SECRET => {
                return Err(Error::argument("give the one-time code as `token`"));
            }
            "token" => Credential::OneTimeCode(Secret::new(wanted.token)),
            "password" => {
                _typing = session.map(Session::typing);
                self.ask_password(&request, wanted.username).await?
            }
            _ => {
                return Err(Error::argument("authType must be `token` (a one-time code) or `password`"));
            }
        };
        let principal = self.inner.policy.authenticate(credential, address).await?;
        if principal.reach != Reach::Full {
            return Err(Refused::NotAllowed.into());
        }
        if let Some(session) = session {
            session.authenticated();
        }
        let name = cut(&request.caller().kite.hostname);
        let issued = self.inner.policy.issue_key(&principal, KeyOrder::Machine { name }).await?;
        self.sign_kite_key(&issued).map(Sent)
    }

    /// Has the password typed at the other end.
    async fn ask_password(&self, request: &Request, said: String) -> Result<Credential, Error> {
        let username = if said.is_empty() { request.caller().kite.username.clone() } else { said };
        if username.is_empty() || username.len() > MAX_SECRET {
            return Err(Error::argument("give the user name as `username`, or in the call's own kite"));
        }
        let Ok(_typing) = self.inner.typing.try_acquire() else {
            return Err(too_many(
                "too many people are typing passwords; try again in a moment, or use a one-time code",
            ));
        };
        let prompt = format!("Password of {}: ", cut(&field_of(&username)));
        let asked = request.peer().request("kite.getPass").args((prompt,)).timeout(TYPING);
        let password = Secret::new(asked.send::<String>().await?);
        if password.expose().len() > MAX_SECRET {
            return Err(Refused::NotGood.into());
        }
        Ok(Credential::Password { username, password })
    }
}

/// The beginning of what somebody else wrote, on one line.
fn cut(text: &str) -> String {
    let mut short = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if short.len().saturating_add(letter.len_utf8()) > MAX_NAME {
            break;
        }
        short.push(letter);
    }
    short
}
