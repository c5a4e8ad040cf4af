//! Requests to APIs that have their own ways of taking a credential and of refusing: like [`Api`], with both as
//! parameters, and with the signatures of OAuth 1.0a.

use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue, Method};
use outbound::{Client, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use vault::Secret;

use crate::api::{ANSWER_MAX, Answer, Api, from_outbound};
use crate::oauth1::{Signer, is_nonce_used};
use crate::{Credential, Fault, ForgeError};

/// Signatures of one request: the client repeats what only asks, with the same nonce.
const MOST_SIGNATURES: u32 = 3;

/// How personal access tokens are shown.
pub(crate) type Personal = fn(Request, &Secret<String>) -> Request;

/// A forge's API.
#[derive(Clone)]
pub(crate) struct Rest {
    addresses: Api,
    client: Client,
    personal: Personal,
    refusal: fn(&Answer) -> ForgeError,
    header: Option<(HeaderName, HeaderValue)>,
    signer: Option<Arc<Signer>>,
}

impl Rest {
    /// The API at the addresses of `addresses`, which says no in the words that `refusal` knows.
    pub(crate) fn new(addresses: Api, client: Client, refusal: fn(&Answer) -> ForgeError) -> Self {
        Self { addresses, client, personal: Request::bearer, refusal, header: None, signer: None }
    }

    /// Shows personal access tokens in another way than as bearer tokens.
    pub(crate) fn personal(mut self, personal: Personal) -> Self {
        self.personal = personal;
        self
    }

    /// Sends this header with every request.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((HeaderName::from_static(name), HeaderValue::from_static(value)));
        self
    }

    /// Signs requests that are made with an OAuth 1.0a token.
    pub(crate) fn signer(mut self, signer: Option<Arc<Signer>>) -> Self {
        self.signer = signer;
        self
    }

    /// Asks for something. Each part becomes one segment of the path, whatever is in it.
    pub(crate) fn get<'a>(&'a self, credential: &'a Credential, parts: &[&str]) -> RestCall<'a> {
        self.call(Method::GET, credential, parts)
    }

    /// Makes something; never repeated.
    pub(crate) fn post<'a>(&'a self, credential: &'a Credential, parts: &[&str]) -> RestCall<'a> {
        self.call(Method::POST, credential, parts)
    }

    /// Removes something; never repeated.
    pub(crate) fn delete<'a>(&'a self, credential: &'a Credential, parts: &[&str]) -> RestCall<'a> {
        self.call(Method::DELETE, credential, parts)
    }

    fn call<'a>(&'a self, method: Method, credential: &'a Credential, parts: &[&str]) -> RestCall<'a> {
        RestCall { rest: self, method, url: self.addresses.url(parts), credential, body: None }
    }

    /// An answer that is no success, in this API's words.
    pub(crate) fn refusal(&self, answer: &Answer) -> ForgeError {
        (self.refusal)(answer)
    }

    fn request(&self, method: &Method, url: &Url, credential: &Credential) -> Result<Request, ForgeError> {
        let mut request = self
            .client
            .request(method.clone(), url.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .limit(ANSWER_MAX);
        if let Some((name, value)) = &self.header {
            request = request.header(name.clone(), value.clone());
        }
        Ok(match credential {
            Credential::Anonymous => request,
            Credential::Bearer(token) => request.bearer(token),
            Credential::PersonalToken(token) => (self.personal)(request, token),
            Credential::Oauth1(token) => {
                let signer = self.signer.as_ref().ok_or_else(|| {
                    ForgeError::new(
                        Fault::Application,
                        "requests of this account are signed, and there is no key for it (any more)",
                        "link your account again; an administrator has changed how accounts are linked",
                    )
                })?;
                request.secret_header(AUTHORIZATION, &signer.header(method.as_str(), url, &[], Some(token))?)
            }
        })
    }
}

/// A request being put together.
#[must_use = "a request does nothing until it is sent"]
pub(crate) struct RestCall<'a> {
    rest: &'a Rest,
    method: Method,
    url: Result<Url, ForgeError>,
    credential: &'a Credential,
    body: Option<Value>,
}

impl RestCall<'_> {
    /// Adds a parameter to the address. Never a secret: addresses end up in logs.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Sends JSON along.
    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends it; any status is an answer.
    pub(crate) async fn answer(self) -> Result<Answer, ForgeError> {
        let Self { rest, method, url, credential, body } = self;
        let url = url?;
        let mut tried = 0;
        loop {
            let mut request = rest.request(&method, &url, credential)?;
            if let Some(body) = &body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(from_outbound)?;
            let answer = Answer::receive(&url, response).await?;
            tried += 1;
            let is_signed = matches!(credential, Credential::Oauth1(_));
            let may_repeat = is_signed && method == Method::GET && tried < MOST_SIGNATURES;
            if !(may_repeat && is_nonce_used(&answer)) {
                return Ok(answer);
            }
        }
    }

    /// Sends it; what is no success becomes an error.
    pub(crate) async fn done(self) -> Result<Answer, ForgeError> {
        let refusal = self.rest.refusal;
        let answer = self.answer().await?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }

    /// Sends it and reads the answer.
    pub(crate) async fn read<T: DeserializeOwned>(self) -> Result<T, ForgeError> {
        self.done().await?.json()
    }

    /// Sends it and reads the answer; none where it is not there, or not for nobody to see.
    pub(crate) async fn find<T: DeserializeOwned>(self) -> Result<Option<T>, ForgeError> {
        let nobody = self.credential.is_anonymous();
        match self.read().await {
            Ok(found) => Ok(Some(found)),
            Err(error) => match error.fault() {
                Fault::NotFound => Ok(None),
                Fault::Link(_) | Fault::Forbidden if nobody => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Sends it; that it is not there is fine.
    pub(crate) async fn gone(self) -> Result<(), ForgeError> {
        match self.done().await {
            Ok(_) => Ok(()),
            Err(error) if *error.fault() == Fault::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Names that an API does not take at all (400) are of nothing.
pub(crate) fn not_taken_is_none<T>(result: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match result {
        Err(error) if *error.fault() == Fault::Request => Ok(None),
        other => other,
    }
}

/// A branch that leads nowhere Git knows.
pub(crate) fn unnamed_target() -> ForgeError {
    ForgeError::new(
        Fault::Protocol,
        "the pull request leads to a branch whose name Git does not take",
        "look at the pull request at the forge",
    )
}
