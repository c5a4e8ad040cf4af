//! A signed-in browser goes over to the host of a team, where its cookie does not reach.
//!
//! The host it wants to go to gives the browser a cookie and sends it to the main host with that cookie's
//! hash. There the session makes a code, which comes back in an address and becomes a session of that host,
//! in the same browser only. All sessions of one sign-in end together.

use domain::{Caller, SessionId, SignedDuration, Via};
use store::{Handoff, Session};
use url::Url;
use vault::{Token, TokenHash};

use super::session::welcome;
use super::setup::later;
use super::sign_in::shown_agent;
use super::{SignedIn, note};
use crate::control::Control;
use crate::error::Error;
use crate::links::ReturnPath;
use crate::teams::team_of_host;

/// Time for two redirects.
const LIFETIME: SignedDuration = SignedDuration::from_mins(1);
/// Longer texts are no codes of ours and are not even hashed.
const TEXT_MAX: usize = 200;

/// A browser that has come over.
pub struct HandedOver {
    /// Its session on this host.
    pub signed_in: SignedIn,
    /// Where it wants to go: a path of this site.
    pub return_to: String,
}

impl Control {
    /// A token that binds a browser on a team's host while it goes over.
    pub fn crossing_token(&self) -> Token {
        Token::generate("hcrossing", &*self.inner.entropy)
    }

    /// Makes a code that lets the caller's browser, which holds the cookie of this hash there, be signed in at
    /// `host` as well. Good for a minute.
    ///
    /// # Errors
    ///
    /// `forbidden` without a session; `invalid` for a host that is neither this server's nor a team's, for
    /// another port than the server's, where somebody else may listen, or for a path that leads elsewhere.
    pub async fn begin_handoff(
        &self,
        caller: &Caller,
        browser: &TokenHash,
        host: &str,
        return_to: &str,
    ) -> Result<Token, Error> {
        let Via::Session(session) = caller.via else {
            return Err(Error::Forbidden {
                why: "only a signed-in browser can go over to another host".into(),
            });
        };
        let return_to: ReturnPath = return_to
            .parse()
            .map_err(|bad| Error::invalid("return_to", bad, "give a path of this site, such as `/`"))?;
        let host = host.trim().to_ascii_lowercase();
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let public = &self.inner.settings.public_url;
        let is_ours = match (behind_same_port(&host, public), team_of_host(&host, public)) {
            (None, _) => false,
            (Some(_), Some(slug)) => tx.team_by_slug(&slug).await?.is_some(),
            (Some(there), None) => there.host() == public.host(),
        };
        if !is_ours {
            let what = "this is neither the server's host nor a team's";
            return Err(Error::invalid("host", what, "open the team's page from the start page"));
        }
        let code = Token::generate("hhandoff", &*self.inner.entropy);
        let handoff = Handoff {
            code: code.hash(),
            session,
            browser: *browser,
            host,
            return_to: return_to.as_str().to_owned(),
            expires_at: later(now, LIFETIME),
        };
        tx.insert_handoff(&handoff).await?;
        tx.commit().await?;
        Ok(code)
    }

    /// Turns a code into a session of `host`, for the browser that holds `browser_token` as a cookie there.
    /// It ends when the session does that it came from.
    ///
    /// # Errors
    ///
    /// `unauthenticated` for a code that is unknown, used, over, or made for another host or browser: all
    /// the same.
    pub async fn take_handoff(
        &self,
        code: &str,
        browser_token: &str,
        host: &str,
        user_agent: &str,
    ) -> Result<HandedOver, Error> {
        let refused =
            || Error::Unauthenticated { why: "this address to come over with is not valid any more".into() };
        if code.len() > TEXT_MAX || browser_token.len() > TEXT_MAX {
            return Err(refused());
        }
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let Some(handoff) = tx.take_handoff(&TokenHash::of(code)).await? else { return Err(refused()) };
        let is_same = handoff.browser.matches(&TokenHash::of(browser_token))
            && handoff.host == host.trim().to_ascii_lowercase()
            && now < handoff.expires_at;
        let from = tx.session(handoff.session).await?.filter(|from| is_same && now < from.expires_at);
        let user = match &from {
            Some(from) => welcome(&mut tx, from.user).await?,
            None => None,
        };
        let (Some(from), Some(user)) = (from, user) else {
            // Used up, whoever came with it.
            tx.commit().await?;
            return Err(refused());
        };
        let token = Token::generate("hsession", &*self.inner.entropy);
        let session = Session {
            id: SessionId::generate(now, &*self.inner.entropy),
            user: user.id,
            hash: token.hash(),
            user_agent: shown_agent(user_agent),
            created_at: now,
            last_seen_at: now,
            expires_at: from.expires_at,
            forge: from.forge,
            sign_in: from.sign_in,
        };
        tx.insert_session(&session).await?;
        note(&mut tx, user.id, now, ("session.handoff", session.id.to_string()), handoff.host).await?;
        tx.commit().await?;
        Ok(HandedOver { signed_in: SignedIn { user, token }, return_to: handoff.return_to })
    }
}

/// Where a browser that goes to `host` arrives, if that is nothing but a host, perhaps with a port, and it is the
/// port that `public` is reached at: behind any other one of this machine another of its users may wait for the
/// code.
fn behind_same_port(host: &str, public: &Url) -> Option<Url> {
    let url = Url::parse(&format!("{}://{host}/", public.scheme())).ok()?;
    let is_host = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && !host.contains(['@', '/', '\\', '?', '#']);
    let is_same = url.port_or_known_default() == public.port_or_known_default();
    (is_host && is_same).then_some(url)
}
