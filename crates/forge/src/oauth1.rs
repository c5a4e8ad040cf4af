//! OAuth 1.0a with RSA-SHA1 (RFC 5849), as Bitbucket's application links speak it: a request token, the
//! browser, an access token, and a signature for every request afterwards.
//!
//! The protocol itself binds the answer to nobody: whoever gets another person to follow a callback with *their*
//! request token would link their account. So the request token is kept sealed with the attempt, which the
//! caller has bound to the browser, and what comes back is compared with it.

mod base_string;
mod problem;
mod signer;

use std::sync::Arc;

use domain::{LinkMethod, SignedDuration};
use http::header::AUTHORIZATION;
use outbound::Client;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};
use vault::Secret;

use crate::address::below;
use crate::api::{ANSWER_MAX, Answer, from_outbound};
use crate::{Begin, Begun, Callback, Fault, ForgeError, Tokens};

pub(crate) use problem::{Stage, is_nonce_used, problem_of, refused};
pub(crate) use signer::Signer;

/// Marks what is kept of an attempt as this protocol's.
const KEPT: &str = "oauth1 ";
/// What comes back instead of a verifier when somebody said no.
const DENIED: &str = "denied";
/// Longer tokens are none: Atlassian's have 32 characters.
const LONGEST_TOKEN: usize = 1024;

/// The OAuth 1.0a side of a forge.
pub(crate) struct Oauth1 {
    client: Client,
    signer: Arc<Signer>,
    /// Where browsers reach it.
    web: Url,
    /// Where this server reaches it.
    base: Url,
}

impl Oauth1 {
    /// Of a forge at these addresses.
    pub(crate) fn new(client: Client, signer: Arc<Signer>, web: Url, base: Url) -> Self {
        Self { client, signer, web, base }
    }

    /// Fetches a request token and says where the browser goes. The protocol has no `state`: it travels in the
    /// address to come back to.
    pub(crate) async fn begin(&self, begin: &Begin<'_>) -> Result<Begun, ForgeError> {
        if !self.signer.has_consumer_key() {
            return Err(ForgeError::new(
                Fault::Application,
                "there is no consumer key for this forge yet",
                "an administrator has to make an application link there and enter its consumer key",
            ));
        }
        let mut callback = Url::parse(begin.redirect_uri).map_err(|_| {
            ForgeError::new(
                Fault::Refused,
                "the address that browsers come back to is none",
                "an administrator has to look at the public address in this server's settings",
            )
        })?;
        callback.query_pairs_mut().append_pair("state", begin.state);
        let extra = [("oauth_callback", callback.as_str())];
        let granted = self.ask("request-token", &extra, None, Stage::Request).await?;
        let mut authorize_url = below(&self.web, "/plugins/servlet/oauth/authorize");
        authorize_url.query_pairs_mut().append_pair("oauth_token", granted.token.expose());
        Ok(Begun { authorize_url, private: Secret::new(format!("{KEPT}{}", granted.token.expose())) })
    }

    /// Exchanges what the browser brought back for an access token.
    pub(crate) async fn complete(
        &self,
        callback: &Callback,
        private: &Secret<String>,
    ) -> Result<Tokens, ForgeError> {
        let kept =
            private.expose().strip_prefix(KEPT).filter(|token| !token.is_empty()).ok_or_else(|| {
                ForgeError::new(Fault::Request, "what was kept of this sign-in cannot be read", "begin again")
            })?;
        let (Some(token), Some(verifier)) = (&callback.oauth_token, &callback.oauth_verifier) else {
            return Err(ForgeError::new(
                Fault::Protocol,
                "the browser came back without a token and its verifier",
                "begin again",
            ));
        };
        if !is_same(kept, token.expose()) {
            return Err(ForgeError::new(
                Fault::Protocol,
                "the browser came back with the token of another attempt",
                "begin again, and follow no links to this page that others send you",
            ));
        }
        if verifier.expose() == DENIED {
            return Err(ForgeError::new(
                Fault::Denied,
                "the request was declined at the forge",
                "begin again if that was not meant",
            ));
        }
        let extra = [("oauth_verifier", verifier.expose().as_str())];
        let granted = self.ask("access-token", &extra, Some(token), Stage::Exchange).await?;
        Ok(Tokens {
            access: Arc::new(granted.token),
            refresh: None,
            expires_in: granted.expires_in,
            scopes: None,
            method: LinkMethod::Oauth1,
        })
    }

    async fn ask(
        &self,
        what: &str,
        extra: &[(&str, &str)],
        token: Option<&Secret<String>>,
        stage: Stage,
    ) -> Result<Granted, ForgeError> {
        let url = below(&self.base, &format!("/plugins/servlet/oauth/{what}"));
        let header = self.signer.header("POST", &url, extra, token)?;
        let request = self.client.post(url.clone()).secret_header(AUTHORIZATION, &header).limit(ANSWER_MAX);
        let answer = Answer::receive(&url, request.send().await.map_err(from_outbound)?).await?;
        // Some answers of Atlassian's name a problem with the status 200.
        if let Some(problem) = problem_of(&answer) {
            return Err(refused(answer.host(), &problem, stage));
        }
        if !answer.status().is_success() {
            return Err(crate::api::refusal(&answer));
        }
        Granted::read(answer.body()).ok_or_else(|| {
            ForgeError::new(
                Fault::Protocol,
                format!("`{}` answers the request for a token with something else", answer.host()),
                "check that the address and kind of the forge are right, path included",
            )
        })
    }
}

/// Compares digests, so that the time it takes tells nothing of the token.
fn is_same(one: &str, other: &str) -> bool {
    Sha256::digest(one.as_bytes()) == Sha256::digest(other.as_bytes())
}

/// What the token endpoints answer: a form (RFC 5849, 2.1 and 2.3). The token's secret is of no use with RSA.
struct Granted {
    token: Secret<String>,
    expires_in: Option<SignedDuration>,
}

impl Granted {
    fn read(body: &[u8]) -> Option<Self> {
        let mut token = None;
        let mut expires_in = None;
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "oauth_token" => token = token.or_else(|| Some(Secret::new(value.into_owned()))),
                "oauth_expires_in" => expires_in = value.parse().ok().filter(|seconds: &i64| *seconds > 0),
                _ => {}
            }
        }
        let token = token.filter(|it: &Secret<String>| (1..=LONGEST_TOKEN).contains(&it.expose().len()))?;
        Some(Self { token, expires_in: expires_in.map(SignedDuration::from_secs) })
    }
}

#[cfg(test)]
mod tests;
