//! The settings of a client.

use std::sync::Arc;
use std::time::Duration;

use domain::Entropy;
use url::Url;
use vault::Secret;

use crate::client::{Times, check_url};
use crate::redirect::{Redirects, rule};
use crate::resolve::{Guard, SystemResolver};
use crate::tls::Trust;
use crate::{Client, Error, Policy, Resolver};

/// Settings of a [`Client`].
pub struct Builder {
    guard: Guard,
    times: Times,
    authorities: Vec<Vec<u8>>,
    identity: Option<Secret<String>>,
    proxy: Option<Url>,
    redirects: Redirects,
    entropy: Option<Arc<dyn Entropy>>,
}

impl Builder {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            guard: Guard { policy: Arc::new(policy), resolver: Arc::new(SystemResolver) },
            times: Times {
                connect: Duration::from_secs(10),
                total: Duration::from_secs(30),
                idle: Duration::from_secs(30),
            },
            authorities: Vec::new(),
            identity: None,
            proxy: None,
            redirects: Redirects::Permitted,
            entropy: None,
        }
    }

    /// Trusts the certificate authorities in `pem` as well.
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Proves with a certificate who is asking, to hosts that demand it (mutual TLS). The text holds the
    /// certificate, those of its authorities if the host needs them, and the private key, as PEM blocks.
    #[must_use]
    pub fn client_certificate(mut self, pem: Secret<String>) -> Self {
        self.identity = Some(pem);
        self
    }

    /// Goes through the proxy that the operator has set, `http://host:port` or `https://host:port`. The
    /// environment's is never used.
    ///
    /// The proxy itself must be reachable under the policy. A host name asked for is then looked up by the
    /// proxy, so its addresses cannot be checked here: the proxy must refuse what nobody may reach. A host
    /// that is written as an address is checked as always. [`Client::connect`] and [`Client::certificate`] go
    /// through `http` proxies only. Proxies that demand a password are not supported.
    #[must_use]
    pub fn proxy(mut self, url: Url) -> Self {
        self.proxy = Some(url);
        self
    }

    /// Follows redirects of `GET` and `HEAD` requests within the origin (scheme, host, port) first asked, and
    /// refuses others: what a request carries stays there. Redirects of other requests are answers.
    #[must_use]
    pub fn same_origin_redirects(mut self) -> Self {
        self.redirects = Redirects::SameOrigin;
        self
    }

    /// Follows no redirect; it is an answer like others. For calls with tokens.
    #[must_use]
    pub fn no_redirects(mut self) -> Self {
        self.redirects = Redirects::Nowhere;
        self
    }

    /// Looks names up elsewhere than in the system.
    #[must_use]
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.guard.resolver = resolver;
        self
    }

    /// How long name, TCP and TLS may take together.
    #[must_use]
    pub fn connect_timeout(mut self, connect: Duration) -> Self {
        self.times.connect = connect;
        self
    }

    /// How long a whole request with its answer may take; see also [`Request::unhurried`](crate::Request::unhurried).
    #[must_use]
    pub fn total_timeout(mut self, total: Duration) -> Self {
        self.times.total = total;
        self
    }

    /// How long a host may be silent within its answer.
    #[must_use]
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.times.idle = idle;
        self
    }

    /// Where the jitter of pauses comes from. It protects hosts from herds and guards no secret, so
    /// without this the process's hash seed is used.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Finishes the client.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the additional certificate authorities or the client certificate cannot be
    /// read, or the proxy may not be used.
    pub fn build(self) -> Result<Client, Error> {
        if let Some(proxy) = &self.proxy {
            check_url(&self.guard.policy, proxy).map_err(|error| refuse_proxy(&error))?;
        }
        let trust = Arc::new(Trust::new(&self.authorities, self.identity.as_ref())?);
        let http = self.http(&trust, self.redirects)?;
        let unled = match self.redirects {
            Redirects::SameOrigin => self.http(&trust, Redirects::Nowhere)?,
            Redirects::Permitted | Redirects::Nowhere => http.clone(),
        };
        let Self { guard, times, proxy, entropy, .. } = self;
        Ok(Client { http, unled, guard, times, entropy, trust, proxy })
    }

    fn http(&self, trust: &Trust, redirects: Redirects) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust.http()?)
            .dns_resolver(self.guard.clone())
            .redirect(rule(redirects, self.guard.policy.clone()))
            .referer(false)
            .no_proxy()
            .connect_timeout(self.times.connect)
            .read_timeout(self.times.idle)
            .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(|error| unusable(&error))?);
        }
        builder.build().map_err(|error| unusable(&error))
    }
}

fn unusable(error: &reqwest::Error) -> Error {
    Error::Refused {
        why: format!("the HTTP client cannot be set up: {error}"),
        mend: "check the additional certificate authorities and the proxy".into(),
    }
}

fn refuse_proxy(error: &Error) -> Error {
    Error::Refused { why: format!("the proxy cannot be used: {error}"), mend: error.mend() }
}
