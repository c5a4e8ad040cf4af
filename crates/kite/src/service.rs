//! A set of methods, and how one of them is called.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout};
use tracing::error;

use crate::arguments::Arguments;
use crate::authentication::{Authenticator, Caller, Claim, Verified};
use crate::connection::{Connection, Incoming, Shared};
use crate::context::Context;
use crate::descriptor::Kite;
use crate::error::{Error, kind};
use crate::limits::Limits;
use crate::payload::Payload;
use crate::peer::Peer;
use crate::request::Request;
use crate::token::EXPIRED;
use crate::transport::Transport;

mod builder;
mod builtin;
mod method;
mod rate;
mod system;

pub use builder::ServiceBuilder;
pub use method::MethodOptions;
pub use rate::RateLimit;
pub use system::{Linux, System, SystemInfo};

use builder::{After, Before};
use method::Method;

/// A set of methods; cheap to clone, shared by all its connections.
///
/// Both ends of a connection are one; that of a pure client has the built-in methods only. Calls are judged
/// alike whoever made the connection.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
    limits: Arc<Limits>,
}

struct Inner {
    kite: Kite,
    /// The kite as JSON, which goes into each of our calls.
    kite_text: String,
    methods: HashMap<String, Arc<Method>>,
    before: Vec<Before>,
    after: Vec<After>,
    authenticator: Option<Arc<dyn Authenticator>>,
    /// What request ids are made of, with the number of the call.
    seed: u64,
    calls: AtomicU64,
    errors: AtomicU64,
}

/// Calls that a service was asked for, over all its connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that came in.
    pub calls: u64,
    /// Those of them that ended with an error.
    pub errors: u64,
}

/// What a call ends with.
pub(crate) type Outcome = Result<Payload, Error>;

/// A call that runs.
pub(crate) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

impl Service {
    /// Begins a service that calls itself `kite`.
    pub fn builder(kite: Kite) -> ServiceBuilder {
        ServiceBuilder::new(kite)
    }

    /// A service with the built-in methods only: a pure client's end of its connections.
    pub fn client(kite: Kite) -> Self {
        Self::builder(kite).build()
    }

    /// What this service calls itself.
    pub fn kite(&self) -> &Kite {
        &self.inner.kite
    }

    pub(crate) fn kite_text(&self) -> &str {
        &self.inner.kite_text
    }

    /// The limits of each of its connections.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same service, whose connections have other limits.
    pub(crate) fn with_limits(&self, limits: Limits) -> Self {
        Self { inner: self.inner.clone(), limits: Arc::new(limits) }
    }

    /// Calls so far.
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.inner.calls.load(Ordering::Relaxed),
            errors: self.inner.errors.load(Ordering::Relaxed),
        }
    }

    /// Takes a connection over. The future does all its work, and the connection lives as long as it.
    pub fn serve(&self, transport: impl Transport + 'static, context: Context) -> (Peer, Connection) {
        Connection::new(self.clone(), Box::new(transport), context)
    }

    /// Starts a call; what it returns is polled by the connection.
    pub(crate) fn start(&self, shared: &Arc<Shared>, method: &str, incoming: Incoming) -> Running {
        let number = self.inner.calls.fetch_add(1, Ordering::Relaxed);
        let id = mix(self.inner.seed.wrapping_add(number));
        let Some(method) = self.inner.methods.get(method).cloned() else {
            self.inner.errors.fetch_add(1, Ordering::Relaxed);
            return Box::pin(ready(Err(Error::method_not_found(method))));
        };
        let service = self.clone();
        let peer = Peer::new(shared.clone());
        let call = async move {
            let outcome = AssertUnwindSafe(service.perform(&method, id, incoming, peer)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(&method.name, id, &*panic)));
            outcome.map_err(|mut error| {
                service.inner.errors.fetch_add(1, Ordering::Relaxed);
                if error.id.is_empty() {
                    error.id = format!("{id:016x}");
                }
                error
            })
        };
        // Calls share the connection's task. Were they to share its budget as well, tokio would wake those that
        // ran out of it newest first, and old ones would starve on a busy connection.
        Box::pin(unconstrained(call))
    }

    async fn perform(&self, method: &Arc<Method>, id: u64, incoming: Incoming, peer: Peer) -> Outcome {
        let Incoming { mut kite, authentication, arguments, functions } = incoming;
        let verified = if method.options.open {
            None
        } else {
            let claim = Claim {
                method: &method.name,
                kite: &kite,
                authentication: authentication.as_ref(),
                context: peer.context(),
            };
            Some(self.authenticate(&claim).await?)
        };
        // Wiped before the handler runs, which has no use for it.
        drop(authentication);
        let username = verified.as_ref().map(|verified| verified.username.as_str());
        if !method.allows(username, peer.shared().number, Instant::now()) {
            return Err(Error::rate_limited());
        }
        if let Some(username) = username {
            username.clone_into(&mut kite.username);
        }
        let (username, authority) = match verified {
            Some(Verified { username, authority }) => (Some(username), authority),
            None => (None, None),
        };
        let caller = Caller { kite, username, authority };
        let request =
            Request::new(id, method.name.clone(), caller, Arguments::new(arguments, functions, peer));
        for hook in &self.inner.before {
            hook(request.clone()).await.map_err(not_of_this_call)?;
        }
        let outcome = handle(method, id, &request).await.map_err(not_of_this_call);
        for hook in &self.inner.after {
            hook(request.clone(), outcome.as_ref().map(|_| ()).map_err(Clone::clone)).await;
        }
        outcome
    }

    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        match &self.inner.authenticator {
            Some(authenticator) => authenticator.authenticate(claim).await,
            None => {
                Err(Error::authentication("this kite verifies nobody, so that the method cannot be called"))
            }
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").field("kite", &self.inner.kite).finish_non_exhaustive()
    }
}

async fn handle(method: &Method, id: u64, request: &Request) -> Outcome {
    let running = AssertUnwindSafe((method.handler)(request.clone())).catch_unwind();
    let outcome = match method.options.timeout {
        None => running.await,
        Some(limit) => timeout(limit, running).await.map_err(|_| {
            Error::custom(kind::TIMEOUT, format!("`{}` took longer than {limit:?}", method.name), "")
        })?,
    };
    outcome.unwrap_or_else(|panic| Err(panicked(&method.name, id, &*panic)))
}

/// Rewords what a handler passed on of a call of its own. "token is expired" is said by the authenticator only,
/// before anything is done: callers who hear it fetch a new token and call again.
fn not_of_this_call(error: Error) -> Error {
    if error.is(kind::AUTHENTICATION) && error.message.contains(EXPIRED) {
        let message = "another kite, which was called for this, refused the token that it was called with";
        Error { kind: kind::GENERIC.to_owned(), message: message.to_owned(), ..error }
    } else {
        error
    }
}

fn panicked(method: &str, id: u64, panic: &(dyn Any + Send)) -> Error {
    let id = format!("{id:016x}");
    error!(request.id = id, request.method = method, panic = panic_text(panic), "a call panicked");
    Error::internal(id)
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

/// Spreads numbers over 64 bits, one to one (the finaliser of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
