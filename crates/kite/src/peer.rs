//! The other end of a connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout};

use crate::authentication::Authentication;
use crate::connection::{ConnectionCounts, Shared};
use crate::context::Context;
use crate::error::Error;
use crate::payload::Payload;

/// The other end of a connection; cheap to clone. Holding it does not keep the connection open.
#[derive(Clone)]
pub struct Peer(Arc<Shared>);

impl Peer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Calls a method and waits for its answer, for [`Limits::call_timeout`](crate::Limits::call_timeout) at most.
    ///
    /// Arguments: a tuple, array or list is the positional list, `()` is none, anything else the single argument.
    /// They may hold [`Function`](crate::Function)s, and `R` may hold [`Callback`](crate::Callback)s. Dropping the
    /// future gives the answer up; the call itself goes on at the other end.
    ///
    /// # Errors
    ///
    /// What the other end answered; `timeout`; `disconnect`; `sendError` for arguments that cannot be sent;
    /// `invalidResponse` for an answer that is not an `R`.
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<R, Error> {
        let call = self.request(method).args(arguments);
        call.send().await
    }

    /// Begins a call about which there is more to say.
    pub fn request(&self, method: &str) -> Call {
        Call {
            peer: self.clone(),
            method: method.to_owned(),
            payload: Ok(Payload { text: "[]".to_owned(), functions: vec![] }),
            limit: self.0.service.limits().call_timeout,
            authentication: None,
        }
    }

    /// Calls a method and wants no answer. Waits while the other end reads too slowly.
    ///
    /// # Errors
    ///
    /// `disconnect` or `sendError`. That it was sent does not say that it arrived.
    pub async fn notify(&self, method: &str, arguments: impl Serialize) -> Result<(), Error> {
        let payload = Payload::arguments(&arguments)?;
        drop(arguments);
        self.0.notification(method, payload)?.send().await
    }

    /// What later calls authenticate with, unless they say it themselves.
    pub fn set_authentication(&self, authentication: Option<Authentication>) {
        self.0.set_authentication(authentication);
    }

    /// What is known about the connection.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// What the connection has at the moment.
    pub fn counts(&self) -> ConnectionCounts {
        self.0.counts()
    }

    /// Sends what waits to be sent and closes, within [`Limits::close`](crate::Limits::close). Calls that run are dropped.
    pub fn close(&self) {
        self.0.close();
    }

    /// Takes no more calls, lets running ones finish for at most `limit`, then closes. Resolves when the
    /// connection has ended. Dropping the future does not take it back.
    pub async fn drain(&self, limit: Duration) {
        self.0.drain(Instant::now() + limit);
        self.closed().await;
    }

    /// Resolves when the connection has ended.
    pub async fn closed(&self) {
        self.0.ended().await;
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.is_ended()
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Peer({})", self.0.number)
    }
}

/// A call under construction.
#[must_use = "a call is made by `send`"]
pub struct Call {
    peer: Peer,
    method: String,
    payload: Result<Payload, Error>,
    limit: Duration,
    authentication: Option<Arc<Authentication>>,
}

impl Call {
    /// The arguments, as in [`Peer::call`]. Without them there are none.
    pub fn args(mut self, arguments: impl Serialize) -> Self {
        self.payload = Payload::arguments(&arguments);
        self
    }

    /// How long to wait for room and for the answer.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The credential of this call only.
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = Some(Arc::new(authentication));
        self
    }

    /// Sends it and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn send<R: DeserializeOwned>(self) -> Result<R, Error> {
        let Self { peer, method, payload, limit, authentication } = self;
        let (prepared, expected) = peer.0.call(&method, payload?, authentication)?;
        let answer = async {
            prepared.send().await?;
            expected.answer().await
        };
        // It waits at least once, for the answer, and so takes part in no loop that never yields. Many calls in one
        // task that shared the task's budget would be woken newest first when it is used up, and old ones starve.
        let answer = unconstrained(timeout(limit, answer)).await.map_err(|_| Error::timeout())??;
        answer.into_result()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("method", &self.method).finish_non_exhaustive()
    }
}
