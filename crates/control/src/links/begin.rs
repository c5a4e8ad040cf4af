//! Beginning a round trip through a forge's consent page.
//!
//! What it is for stays here, in an attempt: the browser carries its `state`, and a cookie that proves it is the
//! browser that began.

use domain::{
    AttemptId, Caller, Forge, ForgeAuth, ForgeId, ForgeState, KeyOwner, SessionId, SignedDuration, UserId,
    Via,
};
use forge::{Begin, Purpose};
use serde::{Deserialize, Serialize};
use store::Attempt;
use url::Url;
use vault::{Secret, Token, TokenHash};

use super::ReturnPath;
use crate::control::Control;
use crate::error::Error;
use crate::forges::{is_visible, parse_scopes, said};
use crate::people::later;
use crate::seal::CellKind;

/// How long somebody may take at the forge: to sign in there, find the second factor, read, agree.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// What the cookie of attempts begins with.
const COOKIE_PREFIX: &str = "hattempt";
/// Prefix, underscore and 256 bits in base 64.
const COOKIE_LENGTH: usize = 8 + 1 + 43;

/// What somebody wants to link.
pub struct LinkWish {
    /// The forge.
    pub forge: ForgeId,
    /// What to ask for; what the forge is registered with where absent.
    pub scopes: Option<Vec<String>>,
    /// Where to come back to; the page of integrations where absent.
    pub return_to: Option<String>,
}

/// A round trip has begun.
pub struct Begun {
    /// Where the browser goes now.
    pub authorize_url: Url,
    /// To be kept in the browser for ten minutes, in a cookie that only this site gets.
    pub browser: Secret<String>,
}

/// What an attempt is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub(super) enum For {
    /// Somebody signs in.
    SignIn,
    /// Somebody who is signed in links an account.
    Link {
        /// Who.
        user: UserId,
        /// In which session.
        session: SessionId,
        /// What was asked for.
        scopes: Vec<String>,
    },
}

/// What is written down about an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Details {
    /// What for.
    #[serde(flatten)]
    pub(super) purpose: For,
    /// Where to go afterwards.
    pub(super) return_to: ReturnPath,
    /// Where the forge was told to send the browser, in full.
    pub(super) redirect_uri: String,
    /// The path of that.
    pub(super) path: String,
}

impl Control {
    /// Begins to link an account, or to change what is granted. `browser` is the present cookie of attempts, if any.
    ///
    /// # Errors
    ///
    /// `not_found` for a forge the caller cannot see, `forge_unfinished` when it has no application yet, 502
    /// `forge` or 503 `unavailable` when it cannot be asked.
    pub async fn begin_link(
        &self,
        caller: &Caller,
        wish: LinkWish,
        browser: Option<&str>,
    ) -> Result<Begun, Error> {
        caller.in_person()?;
        let Via::Session(session) = caller.via else {
            return Err(Error::Conflict {
                code: "browser_needed",
                what: "the forge's consent page opens in a browser that is signed in here".into(),
                mend: "link the account in the web interface, or give a personal access token".into(),
            });
        };
        let return_to = parse_return(wish.return_to, ReturnPath::integrations)?;
        let mut tx = self.inner.store.read().await?;
        let forge = tx.forge(wish.forge).await?.ok_or_else(|| Error::missing("forge", wish.forge))?;
        if !is_visible(&mut tx, caller, &forge).await? {
            return Err(Error::missing("forge", wish.forge));
        }
        drop(tx);
        let scopes = match wish.scopes {
            Some(scopes) => parse_scopes(forge.kind, &scopes)?,
            None => forge.scopes.clone(),
        };
        let purpose = For::Link { user: caller.user, session, scopes };
        self.begin_attempt(&forge, purpose, return_to, browser).await
    }

    /// Begins to sign in with a forge.
    ///
    /// # Errors
    ///
    /// `not_found` for a forge that nobody signs in with, else like [`Control::begin_link`].
    pub async fn begin_sign_in(
        &self,
        id: ForgeId,
        return_to: Option<String>,
        browser: Option<&str>,
    ) -> Result<Begun, Error> {
        let return_to = parse_return(return_to, ReturnPath::home)?;
        let forge = self.inner.store.read().await?.forge(id).await?;
        let forge = forge.filter(|forge| forge.team.is_none() && forge.sign_in);
        let forge = forge.ok_or_else(|| Error::missing("forge", id))?;
        self.begin_attempt(&forge, For::SignIn, return_to, browser).await
    }

    async fn begin_attempt(
        &self,
        forge: &Forge,
        purpose: For,
        return_to: ReturnPath,
        browser: Option<&str>,
    ) -> Result<Begun, Error> {
        check_finished(forge)?;
        let provider = self.provider(forge).await?;
        let state = Token::generate("hstate", &*self.inner.entropy);
        let redirect_uri = self.redirect_uri(forge);
        let (scopes, what_for) = match &purpose {
            For::SignIn => (forge.scopes.as_slice(), Purpose::SignIn),
            For::Link { scopes, .. } => (scopes.as_slice(), Purpose::Link),
        };
        let begin = Begin { redirect_uri: &redirect_uri, state: state.expose(), scopes, purpose: what_for };
        let begun = match provider.begin(begin).await {
            Ok(begun) => begun,
            Err(error) => {
                // Only OAuth 1.0a asks for something here that a wrong application is refused.
                if *error.fault() == forge::Fault::Application {
                    self.forge_refuses(forge.id, &error.to_string()).await?;
                }
                return Err(said(forge, error));
            }
        };
        let browser = self.browser_token(browser);
        let details = Details { purpose, return_to, path: forge.redirect.path(forge.id), redirect_uri };
        let now = self.now();
        let attempt = Attempt {
            id: AttemptId::generate(now, &*self.inner.entropy),
            state: state.hash(),
            browser: TokenHash::of(browser.expose()),
            forge: forge.id,
            details: serde_json::to_value(&details).map_err(|error| Error::Internal {
                what: "cannot write down what a round trip is for".into(),
                source: Box::new(error),
            })?,
            created_at: now,
            expires_at: later(now, LIFETIME),
        };
        let sealer = self.sealer(KeyOwner::Platform).await?;
        let mut tx = self.inner.store.begin().await?;
        tx.sweep_attempts(now).await?;
        tx.insert_attempt(&attempt).await?;
        sealer.put(&mut tx, CellKind::AttemptPrivate, &attempt.id.to_string(), &begun.private).await?;
        tx.commit().await?;
        Ok(Begun { authorize_url: begun.authorize_url, browser })
    }

    /// The browser's own token: the one it has, so that attempts in two tabs do not end each other, or a fresh one.
    fn browser_token(&self, present: Option<&str>) -> Secret<String> {
        let is_ours = |text: &&str| {
            text.len() == COOKIE_LENGTH
                && text.strip_prefix(COOKIE_PREFIX).is_some_and(|rest| {
                    rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                })
        };
        match present.filter(is_ours) {
            Some(present) => Secret::new(present.to_owned()),
            None => Secret::new(Token::generate(COOKIE_PREFIX, &*self.inner.entropy).expose().to_owned()),
        }
    }
}

fn parse_return(text: Option<String>, default: fn() -> ReturnPath) -> Result<ReturnPath, Error> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(default()),
        Some(text) => text.parse().map_err(|bad| {
            Error::invalid("return_to", bad, "give a path of this site, such as `/settings/integrations`")
        }),
    }
}

/// Whether there is an application to ask with.
fn check_finished(forge: &Forge) -> Result<(), Error> {
    let lacks = |what: &str, mend: &str| {
        Err(Error::Conflict {
            code: "forge_unfinished",
            what: format!("{} has no {what} yet", forge.name),
            mend: mend.into(),
        })
    };
    match &forge.auth {
        ForgeAuth::Oauth2 { client_id } if client_id.is_empty() => lacks(
            "application id",
            "an administrator: register an application there and paste its id and secret",
        ),
        ForgeAuth::Oauth1 { consumer_key, .. } if consumer_key.is_empty() => lacks(
            "consumer key",
            "an administrator: make an application link there and paste its consumer key",
        ),
        ForgeAuth::PersonalToken => lacks("consent page", "make a personal access token there and paste it"),
        ForgeAuth::Oauth2 { .. } | ForgeAuth::Oauth1 { .. } => Ok(()),
    }
}

/// Whether two registrations are the same for somebody who is on the way between them.
pub(super) fn is_same_registration(before: &Forge, after: &Forge) -> bool {
    before.web_url == after.web_url
        && before.api_base() == after.api_base()
        && before.auth == after.auth
        && matches!(before.state, ForgeState::Pending) == matches!(after.state, ForgeState::Pending)
}
