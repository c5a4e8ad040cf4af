//! An answer, read within its bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
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

    fn host(&self) -> String {
        self.url().authority().to_owned()
    }

    fn too_large(&self) -> Error {
        Error::TooLarge { host: self.host(), limit: self.limit }
    }
}
