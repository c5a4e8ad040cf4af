//! One answer, whole.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LINK, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use outbound::Response;
use serde::de::DeserializeOwned;
use url::Url;

use super::sort::{self, from_outbound, host_of};
use crate::{Fault, ForgeError};

/// What a forge answered.
pub(crate) struct Answer {
    host: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Reads an answer to its end, within the request's bounds.
    pub(crate) async fn receive(asked: &Url, response: Response) -> Result<Self, ForgeError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(from_outbound)?;
        Ok(Self { host: host_of(asked), status, headers, body })
    }

    #[cfg(test)]
    pub(crate) fn for_test(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
        });
        Self {
            host: "forge.example.com".into(),
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    /// Who answered.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as it came.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Itself if it is a success, an error otherwise.
    pub(crate) fn checked(self) -> Result<Self, ForgeError> {
        if self.status.is_success() { Ok(self) } else { Err(sort::refusal(&self)) }
    }

    /// The body as JSON of the expected form.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ForgeError> {
        serde_json::from_slice(&self.body).map_err(|error| self.not_json(&error))
    }

    /// The body as JSON, if it is of this form.
    pub(crate) fn maybe<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// How long the forge wants to be left alone: `Retry-After` in seconds. Dates are not used by forges.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        // A day is a way to say "never".
        Some(Duration::from_secs(seconds.min(86_400)))
    }

    /// Whether a list goes on after this page (RFC 8288). Where to is never followed.
    pub(crate) fn has_next(&self) -> bool {
        self.headers
            .get_all(LINK)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|link| link.split(';').skip(1).any(|it| matches!(it.trim(), "rel=\"next\"" | "rel=next")))
    }

    /// The next page's number after `page`, if the list goes on.
    pub(crate) fn next_page(&self, page: u32) -> Option<u32> {
        self.has_next().then(|| page.saturating_add(1))
    }

    fn not_json(&self, error: &serde_json::Error) -> ForgeError {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_page = content_type.is_some_and(|it| it.starts_with("text/html"));
        let host = &self.host;
        // The error's own text may quote the body.
        let what = if is_page {
            format!("`{host}` answers with a web page instead of data")
        } else if error.is_data() {
            format!("the answer of `{host}` lacks what every version of this product sends")
        } else {
            format!("the answer of `{host}` is not JSON")
        };
        let mend = "check that the address and kind of the forge are right, path included, and that no sign-in \
                    page or proxy answers in its place";
        ForgeError::new(Fault::Protocol, what, mend)
    }
}
