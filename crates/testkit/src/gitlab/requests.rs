//! What was asked of the double, for tests to look at.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, Method, header};

/// One request the double answered or refused to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// `GET`, …
    pub method: String,
    /// The path with the prefix and without the query, encoded as it came.
    pub path: String,
    /// The query as it came, empty where there was none.
    pub query: String,
    /// How the caller showed who it is; never the secret itself.
    pub authorization: Authorization,
    /// `User-Agent`.
    pub user_agent: String,
    /// What was answered; none when the connection was cut.
    pub status: Option<u16>,
}

/// The kind of credentials of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// None.
    Anonymous,
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// `PRIVATE-TOKEN`.
    PrivateToken,
    /// A browser's session cookie.
    Cookie,
    /// `access_token` or `private_token` in the query, where proxies log it.
    Query,
    /// Another scheme.
    Other,
}

#[derive(Default)]
pub(crate) struct Requests(Mutex<Vec<Recorded>>);

impl Requests {
    /// Writes a request down before it is answered; gives its place for [`Self::answered`].
    pub(crate) fn note(&self, method: &Method, uri: &http::Uri, headers: &HeaderMap) -> usize {
        let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let query = uri.query().unwrap_or_default();
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(Recorded {
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: query.to_owned(),
            authorization: Authorization::of(headers, query),
            user_agent: user_agent.unwrap_or_default().to_owned(),
            status: None,
        });
        requests.len() - 1
    }

    pub(crate) fn answered(&self, place: usize, status: u16) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = requests.get_mut(place) {
            request.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Authorization {
    fn of(headers: &HeaderMap, query: &str) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
            return match scheme.to_ascii_lowercase().as_slice() {
                b"bearer" => Self::Bearer,
                b"basic" => Self::Basic,
                _ => Self::Other,
            };
        }
        if headers.contains_key("private-token") {
            return Self::PrivateToken;
        }
        if query.contains("access_token=") || query.contains("private_token=") {
            return Self::Query;
        }
        if headers.contains_key(header::COOKIE) { Self::Cookie } else { Self::Anonymous }
    }
}
