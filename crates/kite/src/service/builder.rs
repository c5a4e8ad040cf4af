//! How a service is made.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Serialize;

use super::method::{Method, MethodOptions};
use super::system::{Linux, System};
use super::{Inner, Service, builtin};
use crate::authentication::Authenticator;
use crate::descriptor::Kite;
use crate::error::Error;
use crate::limits::Limits;
use crate::request::Request;

pub(super) type Before =
    Box<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> + Send + Sync>;
pub(super) type After =
    Box<dyn Fn(Request, Result<(), Error>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A [`Service`] under construction.
#[must_use = "a service is made by `build`"]
pub struct ServiceBuilder {
    kite: Kite,
    methods: HashMap<String, Arc<Method>>,
    before: Vec<Before>,
    after: Vec<After>,
    authenticator: Option<Arc<dyn Authenticator>>,
    system: Arc<dyn System>,
    limits: Limits,
}

impl ServiceBuilder {
    pub(super) fn new(kite: Kite) -> Self {
        Self {
            kite,
            methods: HashMap::new(),
            before: vec![],
            after: vec![],
            authenticator: None,
            system: Arc::new(Linux::default()),
            limits: Limits::default(),
        }
    }

    /// Adds a method that needs authentication. One of that name that was there goes, built-in ones too.
    ///
    /// The handler runs within the connection: it must not block the thread, and it is dropped where it waits when the connection
    /// ends. What must be finished is spawned. A panic of it becomes an `internalError`
    /// (in a build that aborts on panics it ends the process).
    pub fn method<H, F, T>(self, name: &str, handler: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Serialize,
    {
        self.method_with(name, MethodOptions::new(), handler)
    }

    /// Adds a method about which there is more to say.
    pub fn method_with<H, F, T>(mut self, name: &str, options: MethodOptions, handler: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Serialize,
    {
        self.methods.insert(name.to_owned(), Arc::new(Method::new(name, options, handler)));
        self
    }

    /// Runs before each handler, after authentication and rate limits, in the order of adding. An error is the
    /// answer, and neither the handler nor what runs after it is called.
    pub fn before<H, F>(mut self, hook: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.before.push(Box::new(move |request| Box::pin(hook(request))));
        self
    }

    /// Runs after each handler and before its answer is sent, also when it failed, panicked or took too
    /// long; not when the connection ended before.
    pub fn after<H, F>(mut self, hook: H) -> Self
    where
        H: Fn(Request, Result<(), Error>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.after.push(Box::new(move |request, outcome| Box::pin(hook(request, outcome))));
        self
    }

    /// Decides who calls. Without it only open methods can be called.
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// What `kite.systemInfo` answers; this machine, if it is not said.
    pub fn system(mut self, system: Arc<dyn System>) -> Self {
        self.system = system;
        self
    }

    /// The limits of each connection.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the service.
    pub fn build(self) -> Service {
        let Self { kite, mut methods, before, after, authenticator, system, limits } = self;
        for method in builtin::methods(system) {
            methods.entry(method.name.to_string()).or_insert_with(|| Arc::new(method));
        }
        let inner = Inner {
            // Seven texts, which do not fail to serialise.
            kite_text: serde_json::to_string(&kite).unwrap_or_default(),
            kite,
            methods,
            before,
            after,
            authenticator,
            // Ids are for finding lines in a log; without randomness they are only easier to guess.
            seed: getrandom::u64().unwrap_or_default(),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        };
        Service { inner: Arc::new(inner), limits: Arc::new(limits) }
    }
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServiceBuilder").field("kite", &self.kite).finish_non_exhaustive()
    }
}
