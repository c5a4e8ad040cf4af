//! An answer, read within its bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::Error;

/// The head of an answer, and its body as it comes.
#[derive(Debug)]
pub struct Response {
    inner: reqwest::Response,
    limit: u64,
    read: u64,
    allowed: Duration,
}

/// Longer content types are cut: they are for people to read.
const LONGEST_TYPE: usize = 64;

fn is_json(content_type: &str) -> bool {
    content_type.split_once('/').is_some_and(|(_, kind)| kind == "json" || kind.ends_with("+json"))
}

impl Response {
    pub(crate) fn new(inner: reqwest::Response, limit: u64, allowed: Duration) -> Self {
        Self { inner, limit, read: 0, allowed }
    }

    /// Refuses a body that says it is too large: that is as good as being it, and saves the transfer.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        match self.inner.content_length() {
            Some(length) if length > self.limit => Err(self.too_large()),
            _ => Ok(self),
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Where the answer came from, after redirects.
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], or what broke on the way.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = match self.inner.chunk().await {
            Ok(chunk) => chunk,
            Err(error) => return Err(Error::sort(&self.host(), self.allowed, error)),
        };
        let Some(chunk) = chunk else { return Ok(None) };
        self.read = self.read.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.read > self.limit { Err(self.too_large()) } else { Ok(Some(chunk)) }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// Like [`Response::chunk`].
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The body as JSON, whatever the status.
    ///
    /// # Errors
    ///
    /// [`Error::NotJson`] when the answer says it is something else (an error page, a sign-in page) or has another
    /// form, and like [`Response::chunk`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (host, status) = (self.host(), self.status().as_u16());
        let content_type = self.content_type();
        if !is_json(&content_type) {
            let what = match content_type.as_str() {
                "" => "something without a content type instead of JSON".to_owned(),
                other => format!("`{other}` instead of JSON"),
            };
            return Err(Error::NotJson { host, status, what });
        }
        let body = self.bytes().await?;
        serde_json::from_slice(&body).map_err(|error| {
            // The error's own text may quote the body.
            let (line, column) = (error.line(), error.column());
            let what = format!("JSON of an unexpected form (line {line}, column {column})");
            Error::NotJson { host, status, what }
        })
    }

    /// The body as text, as large as the request's limit allows. What is not UTF-8 is replaced.
    ///
    /// # Errors
    ///
    /// Like [`Response::chunk`].
    pub async fn text_limited(self) -> Result<String, Error> {
        let body = self.bytes().await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The content type without its parameters, in lower case.
    fn content_type(&self) -> String {
        let value =
            self.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.chars().take(LONGEST_TYPE).collect::<String>().to_ascii_lowercase()
    }

    fn host(&self) -> String {
        self.url().authority().to_owned()
    }

    fn too_large(&self) -> Error {
        Error::TooLarge { host: self.host(), limit: self.limit }
    }
}
