//! One method: its handler, and what is special about it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::Outcome;
use super::rate::{Limiter, RateLimit};
use crate::error::Error;
use crate::payload::Payload;
use crate::request::Request;

/// What is special about a method.
#[derive(Debug, Clone, Default)]
pub struct MethodOptions {
    pub(super) open: bool,
    pub(super) rate: Option<RateLimit>,
    pub(super) timeout: Option<Duration>,
}

impl MethodOptions {
    /// A method of which nothing is special: it needs authentication.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody call it. Nobody is authenticated then, also those who could be.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Limits the rate of each caller: of each verified user, else of each connection.
    #[must_use]
    pub fn rate(mut self, rate: RateLimit) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Answers with `timeout` when the handler takes longer, and drops it.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }
}

pub(super) struct Method {
    pub(super) name: Arc<str>,
    pub(super) options: MethodOptions,
    pub(super) handler: Handler,
    limiter: Option<Limiter>,
}

type Handler = Box<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

impl Method {
    pub(super) fn new<H, F, T>(name: &str, options: MethodOptions, handler: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Serialize,
    {
        let handler = Arc::new(handler);
        let handler: Handler = Box::new(move |request| {
            let handler = handler.clone();
            // The handler is called within the future, so that a panic of it is caught with the others.
            Box::pin(async move { Payload::value(&handler(request).await?) })
        });
        Self { name: name.into(), limiter: options.rate.map(Limiter::new), options, handler }
    }

    /// Whether a caller may call now; counts the call.
    pub(super) fn allows(&self, username: Option<&str>, connection: u64, now: Instant) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.take(username, connection, now))
    }
}
