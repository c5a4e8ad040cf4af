//! One request: what is asked, within which bounds, and how often.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tracing::debug;
use url::Url;

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
        Self { client, method, url, headers, body, limit: DEFAULT_LIMIT, total }
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
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
    pub async fn send(self) -> Result<Response, Error> {
        check_url(&self.client.guard.policy, &self.url)?;
        let most = if matches!(self.method, Method::GET | Method::HEAD) { MOST_TRIES } else { 1 };
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

    async fn try_once(&self) -> Result<Response, Error> {
        let mut request =
            self.client.http.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
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

fn is_overload(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502..=504)
}

/// How long the host wants us to wait; nothing if that is longer than we care to.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let Some(value) = headers.get(RETRY_AFTER) else { return Some(Duration::ZERO) };
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|pause| *pause <= LONGEST_PAUSE)
}
