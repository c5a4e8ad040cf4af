//! The methods of the registry, and how often each may be called.

use futures_util::future::BoxFuture;
use kite::{Error, Kite, Limits, MethodOptions, RateLimit, Request, Service};
use serde::Serialize;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::Door;
use crate::field::AGENT_ENVIRONMENT;
use crate::registry::{Registry, WeakRegistry};

/// What every kite has, and this one refuses: callers would learn about the server's machine, or write into its log.
const REFUSED: [&str; 3] = ["kite.systemInfo", "kite.log", "kite.print"];

/// How long a call may take in all; a password is typed by a person.
const PASSWORD: Duration = Duration::from_mins(11);

impl Registry {
    /// The methods, for connections of agents, with an [`crate::AgentSeat`] in their context. For everybody else
    /// there is [`Registry::serve`].
    pub fn service(&self) -> Service {
        self.inner.service.get_or_init(|| self.build()).clone()
    }

    fn build(&self) -> Service {
        let weak = self.downgrade();
        let settings = &self.inner.settings;
        let own = |text: &str| crate::field_of(if text.is_empty() { "kontrol" } else { text });
        let kite = Kite {
            id: own(&settings.server),
            username: own(&settings.issuer),
            environment: AGENT_ENVIRONMENT.to_owned(),
            name: "kontrol".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            region: own(&settings.region),
            hostname: own(&settings.server),
        };
        // Rates are for one person: with a thousand kites that come back at once after a restart, and each of which
        // reports every ten seconds.
        let mut service = Service::builder(kite)
            .limits(Limits::strangers())
            .authenticator(Arc::new(Door(weak.clone())))
            .method_with("register", rate(1000, 20.0), bound(&weak, Self::register))
            .method_with("report", rate(2000, 200.0), at_once(&weak, Self::report))
            .method_with("getKites", rate(2000, 200.0), bound(&weak, Self::get_kites))
            .method_with("getToken", rate(500, 50.0), bound(&weak, Self::get_token))
            .method_with("cancelWatcher", rate(200, 20.0), at_once(&weak, Self::cancel_watcher))
            .method_with("share", rate(60, 1.0), bound(&weak, Self::share))
            .method_with("unshare", rate(60, 1.0), bound(&weak, Self::unshare))
            .method_with("shared", rate(60, 1.0), bound(&weak, Self::shared))
            .method_with(
                "registerMachine",
                rate(5, 0.1).open().timeout(PASSWORD),
                bound(&weak, Self::register_machine),
            )
            // Open, for whoever's key is void because the registry's was replaced: they still have to verify others.
            // Of such callers each connection has a rate, and an address only so many connections.
            .method_with("getKey", rate(20, 1.0).open(), at_once(&weak, Self::get_key));
        for name in REFUSED {
            let refuse = move |_| ready(Err::<(), _>(Error::method_not_found(name)));
            service = service.method_with(name, MethodOptions::new().open(), refuse);
        }
        service.build()
    }
}

fn rate(burst: u32, per_second: f64) -> MethodOptions {
    MethodOptions::default().rate(RateLimit { burst, per_second })
}

/// A handler of a registry that the connection does not keep alive.
fn bound<H, F, T>(
    weak: &WeakRegistry,
    handler: H,
) -> impl Fn(Request) -> BoxFuture<'static, Result<T, Error>> + Send + Sync + use<H, F, T>
where
    H: Fn(Registry, Request) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
    T: Serialize + 'static,
{
    let weak = weak.clone();
    move |request| {
        let registry = weak.upgrade();
        Box::pin(async move {
            let registry = registry.ok_or_else(Error::disconnected)?;
            handler(registry, request).await
        })
    }
}

/// The same of a handler that has its answer at once.
fn at_once<H, T>(
    weak: &WeakRegistry,
    handler: H,
) -> impl Fn(Request) -> BoxFuture<'static, Result<T, Error>> + Send + Sync + use<H, T>
where
    H: Fn(&Registry, &Request) -> Result<T, Error> + Copy + Send + Sync + 'static,
    T: Serialize + Send + 'static,
{
    bound(weak, move |registry, request| ready(handler(&registry, &request)))
}
