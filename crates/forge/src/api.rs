//! Requests to a forge's API: addresses are made of encoded parts below one root, answers are JSON within
//! bounds, and everything else becomes a [`ForgeError`].

mod answer;
mod sort;

use domain::ForgeKind;
use http::{HeaderValue, Method};
use outbound::Client;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::address::below;
use crate::{Credential, Fault, ForgeError};

pub(crate) use answer::Answer;
pub(crate) use sort::{from_outbound, host_of, refusal, words};

/// The most an answer may measure. The largest list of a forge is a tenth of this.
pub(crate) const ANSWER_MAX: u64 = 10 << 20;

/// Everything but RFC 3986's unreserved characters.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A forge's API.
#[derive(Clone)]
pub(crate) struct Api {
    kind: ForgeKind,
    client: Client,
    root: Url,
    accept: HeaderValue,
}

impl Api {
    /// An API whose addresses begin with `root`, such as `https://gitlab.example.com/api/v4`.
    pub(crate) fn new(kind: ForgeKind, client: Client, root: Url) -> Self {
        Self { kind, client, root, accept: HeaderValue::from_static("application/json") }
    }

    /// Asks for another media type than `application/json`.
    pub(crate) fn accepting(mut self, media_type: &'static str) -> Self {
        self.accept = HeaderValue::from_static(media_type);
        self
    }

    /// The kind of forge.
    pub(crate) fn kind(&self) -> ForgeKind {
        self.kind
    }

    /// Asks for something. Each part becomes one segment of the path, whatever is in it.
    pub(crate) fn get<'a>(&'a self, credential: &'a Credential, parts: &[&str]) -> Call<'a> {
        self.call(Method::GET, credential, parts)
    }

    /// Makes something; never repeated.
    pub(crate) fn post<'a>(&'a self, credential: &'a Credential, parts: &[&str]) -> Call<'a> {
        self.call(Method::POST, credential, parts)
    }

    /// Removes something; never repeated.
    pub(crate) fn delete<'a>(&'a self, credential: &'a Credential, parts: &[&str]) -> Call<'a> {
        self.call(Method::DELETE, credential, parts)
    }

    /// Any request.
    pub(crate) fn call<'a>(&'a self, method: Method, credential: &'a Credential, parts: &[&str]) -> Call<'a> {
        Call { api: self, method, url: self.url(parts), credential, body: None }
    }

    /// The address of something.
    pub(crate) fn url(&self, parts: &[&str]) -> Result<Url, ForgeError> {
        let mut path = String::new();
        for part in parts {
            // No encoding protects these: every URL parser takes `%2e%2e` for `..`.
            if matches!(*part, "" | "." | "..") {
                return Err(not_found(&self.root));
            }
            path.push('/');
            path.extend(utf8_percent_encode(part, PART));
        }
        Ok(below(&self.root, &path))
    }
}

fn not_found(root: &Url) -> ForgeError {
    let host = host_of(root);
    ForgeError::new(Fault::NotFound, format!("`{host}` has nothing of this name"), "check the name")
}

/// A request being put together.
#[must_use = "a request does nothing until it is sent"]
pub(crate) struct Call<'a> {
    api: &'a Api,
    method: Method,
    url: Result<Url, ForgeError>,
    credential: &'a Credential,
    body: Option<Value>,
}

impl Call<'_> {
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
        let url = self.url?;
        let mut request = self
            .api
            .client
            .request(self.method, url.clone())
            .header(http::header::ACCEPT, self.api.accept.clone())
            .limit(ANSWER_MAX);
        request = match self.credential {
            Credential::Anonymous => request,
            Credential::Bearer(token) | Credential::PersonalToken(token) => request.bearer(token),
            Credential::Oauth1(_) => return Err(ForgeError::unsupported(self.api.kind, "OAuth 1.0a")),
        };
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(from_outbound)?;
        Answer::receive(&url, response).await
    }

    /// Sends it; what is no success becomes an error.
    pub(crate) async fn done(self) -> Result<Answer, ForgeError> {
        self.answer().await?.checked()
    }

    /// Sends it and reads the answer.
    pub(crate) async fn read<T: DeserializeOwned>(self) -> Result<T, ForgeError> {
        self.done().await?.json()
    }

    /// Sends it and reads the answer; none where it is not there, or not for nobody to see.
    pub(crate) async fn find<T: DeserializeOwned>(self) -> Result<Option<T>, ForgeError> {
        let nobody = self.credential.is_anonymous();
        absent_is_none(self.read().await, nobody)
    }

    /// Sends it and says whether it is there.
    pub(crate) async fn exists(self) -> Result<bool, ForgeError> {
        let nobody = self.credential.is_anonymous();
        Ok(absent_is_none(self.done().await, nobody)?.is_some())
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

fn absent_is_none<T>(result: Result<T, ForgeError>, nobody: bool) -> Result<Option<T>, ForgeError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.fault() {
            Fault::NotFound => Ok(None),
            Fault::Link(_) | Fault::Forbidden if nobody => Ok(None),
            _ => Err(error),
        },
    }
}
