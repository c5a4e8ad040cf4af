//! The round trip through a browser that ends with a token.

use std::sync::Arc;

use domain::{Account, LinkMethod, SignedDuration};
use url::{Url, form_urlencoded};
use vault::Secret;

use crate::Credential;

/// What a round trip is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To know who somebody is: asks for as little as that needs, out of [`Begin::scopes`].
    SignIn,
    /// To act for somebody: asks for all of [`Begin::scopes`].
    Link,
}

/// Begins a round trip.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// Where the forge sends the browser back to, exactly as it is registered there.
    pub redirect_uri: &'a str,
    /// Comes back with the browser: unguessable, used once, bound to the browser by the caller.
    pub state: &'a str,
    /// What to ask for; the forge's own list where it is empty.
    pub scopes: &'a [String],
    /// What for.
    pub purpose: Purpose,
}

/// A round trip has begun.
pub struct Begun {
    /// Where the browser goes now.
    pub authorize_url: Url,
    /// What [`crate::Provider::complete`] needs and no browser may see: kept sealed until then.
    pub private: Secret<String>,
}

/// What the browser brought back.
#[derive(Default)]
pub struct Callback {
    /// OAuth 2: exchanged for tokens.
    pub code: Option<Secret<String>>,
    /// OAuth 2: what [`Begin::state`] was.
    pub state: Option<String>,
    /// Who answered (RFC 9207).
    pub iss: Option<String>,
    /// OAuth 2: the forge's word for why not.
    pub error: Option<String>,
    /// The forge's sentence for why not; shown to nobody unread.
    pub error_description: Option<String>,
    /// OAuth 1.0a: the request token.
    pub oauth_token: Option<Secret<String>>,
    /// OAuth 1.0a: exchanged for a token.
    pub oauth_verifier: Option<Secret<String>>,
}

/// The most that is kept of a word or sentence of the forge.
const LONGEST_TEXT: usize = 300;

impl Callback {
    /// Reads the query of a callback's address. Of a repeated parameter the first counts; unknown ones
    /// are left out.
    pub fn parse(query: &str) -> Self {
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let text = |slot: &mut Option<String>| {
                slot.get_or_insert_with(|| value.chars().take(LONGEST_TEXT).collect());
            };
            let secret = |slot: &mut Option<Secret<String>>| {
                slot.get_or_insert_with(|| Secret::new(value.to_string()));
            };
            match name.as_ref() {
                "code" => secret(&mut callback.code),
                "state" => text(&mut callback.state),
                "iss" => text(&mut callback.iss),
                "error" => text(&mut callback.error),
                "error_description" => text(&mut callback.error_description),
                "oauth_token" => secret(&mut callback.oauth_token),
                "oauth_verifier" => secret(&mut callback.oauth_verifier),
                _ => {}
            }
        }
        callback
    }
}

/// A token, and what belongs to it. Clones share the secrets.
#[derive(Clone)]
pub struct Tokens {
    /// What requests are made with.
    pub access: Arc<Secret<String>>,
    /// Makes the next pair, usually once.
    pub refresh: Option<Arc<Secret<String>>>,
    /// How long `access` lives from now; for ever where absent.
    pub expires_in: Option<SignedDuration>,
    /// What was granted, if the forge told.
    pub scopes: Option<Vec<String>>,
    /// How it was got.
    pub method: LinkMethod,
}

impl Tokens {
    /// The credential to ask with.
    pub fn credential(&self) -> Credential {
        match self.method {
            LinkMethod::Oauth2 => Credential::Bearer(self.access.clone()),
            LinkMethod::Oauth1 => Credential::Oauth1(self.access.clone()),
            LinkMethod::PersonalToken => Credential::PersonalToken(self.access.clone()),
        }
    }
}

/// A round trip has ended well.
pub struct Grant {
    /// The tokens.
    pub tokens: Tokens,
    /// Whose they are, as the forge says now; checked against the identity token where there is one.
    pub account: Account,
}

/// What became of a wish to revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The forge takes the tokens no more.
    Done,
    /// This kind of forge or credential cannot be revoked from here; its owner can, at
    /// [`crate::Provider::manage_url`].
    NotPossible,
}
