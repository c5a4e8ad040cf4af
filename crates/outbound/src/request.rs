//! One request: what is asked, within which bounds, and how often.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use tracing::debug;
use url::Url;
use url::form_urlencoded::Serializer;
use vault::Secret;
use zeroize::Zeroizing;

use crate::client::check_url;
use crate::{Client, Error, Response};

/// A request being put together; [`Request::send`] makes it.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: Client,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    limit: u64,
    total: Option<Duration>,
    /// What is wrong with the request itself, told when it is sent.
    fault: Option<Error>,
}

/// What an answer may measure unless the caller says otherwise. Ten times the largest API answer of a
/// forge or registry.
const DEFAULT_LIMIT: u64 = 8 << 20;
/// Tries of an idempotent request, the first included.
const MOST_TRIES: u32 = 3;
/// The longest pause a host may ask for with `Retry-After`; longer ones are the caller's to arrange.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Request {
    pub(crate) fn new(client: Client, method: Method, url: Url) -> Self {
        let total = Some(client.times.total);
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { client, method, url, headers, body, limit: DEFAULT_LIMIT, total, fault: None }
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Shows a token: `Authorization: Bearer …`. Replaces what was shown before.
    pub fn bearer(self, token: &Secret<String>) -> Self {
        let value = Zeroizing::new(format!("Bearer {}", token.expose()));
        self.authorization(&value)
    }

    /// Shows a name and a password: `Authorization: Basic …`. Replaces what was shown before.
    pub fn basic(self, user: &str, password: &Secret<String>) -> Self {
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        self.authorization(&value)
    }

    /// Adds a header whose value is a secret, such as `PRIVATE-TOKEN`. It does not show in `Debug`.
    pub fn secret_header(mut self, name: HeaderName, value: &Secret<String>) -> Self {
        match sensitive(value.expose()) {
            Ok(value) => {
                self.headers.insert(name, value);
            }
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    /// Sends a form, as `application/x-www-form-urlencoded`.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.typed("application/x-www-form-urlencoded", body)
    }

    /// Sends a value as JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.typed("application/json", body),
            Err(error) => {
                let why = format!("the request cannot be written as JSON: {error}");
                self.fault = Some(Error::Refused { why, mend: "report this as a fault of Hearth".into() });
                self
            }
        }
    }

    fn authorization(mut self, value: &str) -> Self {
        match sensitive(value) {
            Ok(value) => {
                self.headers.insert(AUTHORIZATION, value);
            }
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    fn typed(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body(body)
    }

    /// Sends `body`, whose type is given by a `Content-Type` header.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The most bytes the answer's body may have; 8 MiB unless set.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// How long request and answer may take together.
    pub fn within(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    /// Lifts the bound on the total time, for downloads. Silence is still bounded.
    pub fn unhurried(mut self) -> Self {
        self.total = None;
        self
    }

    /// Makes the request and waits for the head of the answer. Any status is an answer.
    ///
    /// `GET` and `HEAD` are tried up to three times, as long as the host cannot be reached or answers
    /// 429, 502, 503 or 504; the last answer is given as it is.
    ///
    /// # Errors
    ///
    /// Any [`Error`] but [`Error::TooLarge`] on the body, which shows while reading it.
    pub async fn send(mut self) -> Result<Response, Error> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        check_url(&self.client.guard.policy, &self.url)?;
        let most = if self.only_asks() { MOST_TRIES } else { 1 };
        let mut tried = 0;
        loop {
            let result = self.try_once().await;
            tried += 1;
            if tried >= most {
                return result;
            }
            let asked = match &result {
                Ok(response) if is_overload(response.status()) => retry_after(response.headers()),
                Err(error) if error.is_transient() => Some(Duration::ZERO),
                Ok(_) | Err(_) => return result,
            };
            let Some(asked) = asked else { return result };
            let pause = self.client.pause(tried).max(asked);
            debug!(host = self.url.host_str(), tried, "asking again in {pause:?}");
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether the request changes nothing, so that it may be repeated and led elsewhere.
    fn only_asks(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    async fn try_once(&self) -> Result<Response, Error> {
        let http = if self.only_asks() { &self.client.http } else { &self.client.unled };
        let mut request = http.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
        if !self.body.is_empty() {
            request = request.body(self.body.clone());
        }
        if let Some(total) = self.total {
            request = request.timeout(total);
        }
        let host = self.url.authority();
        let allowed = self.total.unwrap_or(self.client.times.idle);
        let response = request.send().await.map_err(|error| Error::sort(host, allowed, error))?;
        let response = Response::new(response, self.limit, allowed);
        if self.method == Method::HEAD { Ok(response) } else { response.checked() }
    }
}

/// A header's value that is not shown in `Debug` and not compressed on the way.
fn sensitive(value: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Error::Refused {
        why: "the token or password has characters that no header can carry".into(),
        mend: "enter it again, without line ends and blanks around it".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_overload(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502..=504)
}

/// How long the host wants us to wait; nothing if that is longer than we care to.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let Some(value) = headers.get(RETRY_AFTER) else { return Some(Duration::ZERO) };
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|pause| *pause <= LONGEST_PAUSE)
}
