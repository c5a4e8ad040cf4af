//! A client that stays connected.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::backoff::Backoff;
use super::dialer::Dialer;
use super::error::DialError;
use crate::authentication::Authentication;
use crate::context::Context;
use crate::error::{Error, kind};
use crate::peer::Peer;
use crate::service::Service;

/// How long the hook of a new connection may take.
const HOOK_LIMIT: Duration = Duration::from_secs(30);

type Hook = Arc<dyn Fn(Peer) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> + Send + Sync>;

/// A connection that comes back; cheap to clone. When the last clone is dropped, or at [`Client::stop`], it ends.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    state: watch::Receiver<State>,
    trouble: Trouble,
    /// As errors name it.
    address: String,
    /// Held while a connection is given its credential, so that none is given one of before after the new one.
    authentication: Arc<Mutex<Option<Authentication>>>,
    call_timeout: Duration,
    stop: CancellationToken,
    _stop_with_last: DropGuard,
}

/// Why the last attempt failed; nothing once one succeeded.
type Trouble = Arc<Mutex<Option<Arc<str>>>>;

/// What a [`Client`] is doing.
#[derive(Clone)]
pub enum State {
    /// It dials, or its hook runs.
    Connecting,
    /// It is connected, and its hook has run.
    Connected(Peer),
    /// The last attempt failed, or the connection was lost; it dials again after a pause.
    Waiting {
        /// Why, for a log or a screen; `None` for a connection that was lost.
        error: Option<Arc<str>>,
        /// When it dials again.
        until: Instant,
    },
    /// It was stopped.
    Stopped,
}

/// Makes a [`Client`].
pub struct ClientBuilder {
    dialer: Dialer,
    service: Service,
    context: Context,
    backoff: Backoff,
    authentication: Option<Authentication>,
    hook: Option<Hook>,
}

impl ClientBuilder {
    /// What handlers of our own methods find in the request's context.
    #[must_use]
    pub fn context(self, context: Context) -> Self {
        Self { context, ..self }
    }

    /// How long to wait between attempts.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// What calls authenticate with.
    #[must_use]
    pub fn authentication(self, authentication: Authentication) -> Self {
        Self { authentication: Some(authentication), ..self }
    }

    /// Runs on every new connection before anybody else may call on it, for at most 30 s: to register again, for
    /// example. When it fails, the connection is closed and another attempt made later.
    #[must_use]
    pub fn on_connect<H, F>(self, hook: H) -> Self
    where
        H: Fn(Peer) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let hook: Hook = Arc::new(move |peer| Box::pin(hook(peer)));
        Self { hook: Some(hook), ..self }
    }

    /// Starts to connect, on a task of its own. Must be called within a Tokio runtime.
    pub fn start(self) -> Client {
        let (state, receiver) = watch::channel(State::Connecting);
        let stop = CancellationToken::new();
        let authentication = Arc::new(Mutex::new(self.authentication));
        let trouble = Trouble::default();
        let shared = Shared {
            state: receiver,
            trouble: trouble.clone(),
            address: self.dialer.address(),
            authentication: authentication.clone(),
            call_timeout: self.service.limits().call_timeout,
            stop: stop.clone(),
            _stop_with_last: stop.clone().drop_guard(),
        };
        let keeper = Keeper {
            dialer: self.dialer,
            service: self.service,
            context: self.context,
            backoff: self.backoff,
            hook: self.hook,
            authentication,
            trouble,
            state,
            stop,
        };
        tokio::spawn(keeper.run());
        Client { shared: Arc::new(shared) }
    }
}

impl Client {
    /// Begins a client that connects by `dialer` and serves `service` to the other end.
    pub fn builder(dialer: Dialer, service: Service) -> ClientBuilder {
        ClientBuilder {
            dialer,
            service,
            context: Context::default(),
            backoff: Backoff::default(),
            authentication: None,
            hook: None,
        }
    }

    /// Calls a method, on the present connection or the next, and waits for the answer; both together for at
    /// most the service's call time-out, 15 s by default. Arguments are as in [`Peer::call`].
    ///
    /// A call whose connection is lost before the answer came fails with a `disconnect` error and is not
    /// repeated: only the caller knows whether it may be.
    ///
    /// # Errors
    ///
    /// What the other end answered, or `timeout` or `disconnect`. A `timeout` for want of a connection says why
    /// there is none.
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<R, Error> {
        self.call_within(self.shared.call_timeout, method, arguments).await
    }

    /// [`Client::call`] with another limit.
    ///
    /// # Errors
    ///
    /// As for [`Client::call`].
    pub async fn call_within<R: DeserializeOwned>(
        &self,
        limit: Duration,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<R, Error> {
        let deadline = Instant::now() + limit;
        let peer =
            tokio::time::timeout_at(deadline, self.connected()).await.map_err(|_| self.unreachable())??;
        let rest = deadline.saturating_duration_since(Instant::now());
        peer.request(method).args(arguments).timeout(rest).send().await
    }

    /// The present connection, or the next. It may end at any time.
    ///
    /// # Errors
    ///
    /// A `disconnect` error once the client was stopped.
    pub async fn connected(&self) -> Result<Peer, Error> {
        let mut state = self.shared.state.clone();
        let found = state
            .wait_for(|state| match state {
                State::Connected(peer) => !peer.is_closed(),
                State::Stopped => true,
                State::Connecting | State::Waiting { .. } => false,
            })
            .await;
        match found.as_deref() {
            Ok(State::Connected(peer)) => Ok(peer.clone()),
            _ => Err(Error::disconnected()),
        }
    }

    /// The `timeout` of somebody who waited for a connection.
    pub(crate) fn unreachable(&self) -> Error {
        let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let why = trouble.as_deref().unwrap_or("nobody answered in time");
        Error::custom(kind::TIMEOUT, format!("no connection to `{}`: {why}", self.shared.address), "")
    }

    /// What it is doing, and what it does next.
    pub fn state(&self) -> watch::Receiver<State> {
        self.shared.state.clone()
    }

    /// What calls authenticate with from now on, on this connection and later ones.
    pub fn set_authentication(&self, authentication: Option<Authentication>) {
        let mut kept = self.shared.authentication.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone_from(&authentication);
        if let State::Connected(peer) = &*self.shared.state.borrow() {
            peer.set_authentication(authentication);
        }
    }

    /// Ends the connection and dials no more.
    pub fn stop(&self) {
        self.shared.stop.cancel();
    }
}

struct Keeper {
    dialer: Dialer,
    service: Service,
    context: Context,
    backoff: Backoff,
    hook: Option<Hook>,
    authentication: Arc<Mutex<Option<Authentication>>>,
    trouble: Trouble,
    state: watch::Sender<State>,
    stop: CancellationToken,
}

impl Keeper {
    async fn run(self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.stay_connected() => {}
        }
        if let State::Connected(peer) = self.state.send_replace(State::Stopped) {
            peer.close();
        }
    }

    async fn stay_connected(&self) {
        let mut failures = 0;
        loop {
            self.state.send_replace(State::Connecting);
            let error = match self.connect().await {
                Ok(peer) => {
                    let since = Instant::now();
                    self.note(None);
                    self.state.send_replace(State::Connected(peer.clone()));
                    // A credential set since the connection began must not be lost between the two.
                    self.authenticate(&peer);
                    peer.closed().await;
                    if since.elapsed() >= self.backoff.held {
                        failures = 0;
                    }
                    tracing::debug!(url = %self.dialer.url(), "the connection was lost");
                    None
                }
                Err(error) => {
                    tracing::debug!(url = %self.dialer.url(), error = %error, "cannot connect; trying again");
                    self.note(Some(error.clone()));
                    Some(error)
                }
            };
            // Without random numbers clients only come back less evenly.
            let pause = self.backoff.pause(failures, getrandom::u64().unwrap_or_default());
            failures = failures.saturating_add(1);
            let until = Instant::now() + pause;
            self.state.send_replace(State::Waiting { error, until });
            tokio::time::sleep_until(until).await;
        }
    }

    async fn connect(&self) -> Result<Peer, Arc<str>> {
        let peer =
            self.dialer.dial(&self.service, self.context.clone()).await.map_err(|error| describe(&error))?;
        let closing = CloseUnlessKept(Some(peer.clone()));
        self.authenticate(&peer);
        if let Some(hook) = &self.hook {
            match tokio::time::timeout(HOOK_LIMIT, hook(peer.clone())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(error.to_string().into()),
                Err(_) => return Err("the first calls on the connection took too long".into()),
            }
        }
        closing.keep();
        Ok(peer)
    }

    fn authenticate(&self, peer: &Peer) {
        let kept = self.authentication.lock().unwrap_or_else(PoisonError::into_inner);
        peer.set_authentication(kept.clone());
    }

    fn note(&self, trouble: Option<Arc<str>>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Closes a connection whose hook failed, or that was stopped meanwhile.
struct CloseUnlessKept(Option<Peer>);

impl CloseUnlessKept {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for CloseUnlessKept {
    fn drop(&mut self) {
        if let Some(peer) = self.0.take() {
            peer.close();
        }
    }
}

/// The error with its causes, for people.
fn describe(error: &DialError) -> Arc<str> {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text.into()
}
