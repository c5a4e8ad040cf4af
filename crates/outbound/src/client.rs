//! The client: what is fixed for all requests, and raw connections under the same guard.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::Entropy;
use http::Method;
use reqwest::redirect;
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::resolve::{Guard, SystemResolver};
use crate::{Error, Policy, Request, Resolver, tls};

/// Makes guarded requests and connections. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) guard: Guard,
    pub(crate) times: Times,
    pub(crate) entropy: Option<Arc<dyn Entropy>>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Name, TCP and TLS together.
    pub(crate) connect: Duration,
    /// A whole request with its answer.
    pub(crate) total: Duration,
    /// Silence within an answer.
    pub(crate) idle: Duration,
}

/// A host five hops away is not the one the user named any more; real registries and forges need three.
const MOST_REDIRECTS: usize = 5;

/// The pause after a first failure: longer than a lost packet, shorter than a person's patience.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

impl Client {
    /// A client with the default time-outs: 10 s to connect, 30 s in all, 30 s of silence.
    pub fn new(policy: Policy) -> Self {
        #[expect(clippy::expect_used, reason = "without additional authorities nothing depends on input")]
        Self::builder(policy).build().expect("the compiled-in TLS settings are consistent")
    }

    /// A client with other settings.
    pub fn builder(policy: Policy) -> Builder {
        let times = Times {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        };
        Builder {
            guard: Guard { policy: Arc::new(policy), resolver: Arc::new(SystemResolver) },
            times,
            authorities: Vec::new(),
            entropy: None,
        }
    }

    /// Asks for `url`. Repeated a few times when the host cannot be reached or is overloaded.
    pub fn get(&self, url: Url) -> Request {
        Request::new(self.clone(), Method::GET, url)
    }

    /// Asks for the headers of `url` only. Repeated like [`Client::get`].
    pub fn head(&self, url: Url) -> Request {
        Request::new(self.clone(), Method::HEAD, url)
    }

    /// Sends something to `url`. Never repeated.
    pub fn post(&self, url: Url) -> Request {
        Request::new(self.clone(), Method::POST, url)
    }

    /// How long to wait before repeating something that has been tried `tried` times: 200 ms, doubled each
    /// time up to 6.4 s, and up to as much again at random.
    pub fn pause(&self, tried: u32) -> Duration {
        let base = FIRST_PAUSE * 2_u32.pow(tried.saturating_sub(1).min(5));
        base + base.mul_f64(unit(jitter(self.entropy.as_deref())))
    }

    /// Opens a TCP connection to `host`, a name or an address, under the same guard as requests.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], [`Error::UnknownHost`], [`Error::Unreachable`] or [`Error::Timeout`].
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let dial = async {
            let addresses = match parse_host(host)? {
                Host::Ipv4(address) => self.permitted(address.into())?,
                Host::Ipv6(address) => self.permitted(address.into())?,
                Host::Domain(name) => self.guard.addresses(&name).await?,
            };
            dial(host, &addresses, port).await
        };
        match tokio::time::timeout(self.times.connect, dial).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { host: host.to_owned(), after: self.times.connect }),
        }
    }

    fn permitted(&self, address: IpAddr) -> Result<Vec<IpAddr>, Error> {
        self.guard.policy.check(address)?;
        Ok(vec![address])
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("policy", &self.guard.policy).finish_non_exhaustive()
    }
}

/// Settings of a [`Client`].
pub struct Builder {
    guard: Guard,
    times: Times,
    authorities: Vec<Vec<u8>>,
    entropy: Option<Arc<dyn Entropy>>,
}

impl Builder {
    /// Trusts the certificate authorities in `pem` as well.
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
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

    /// How long a whole request with its answer may take; see also [`Request::unhurried`].
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
    /// [`Error::Refused`] when the additional certificate authorities cannot be read.
    pub fn build(self) -> Result<Client, Error> {
        let policy = self.guard.policy.clone();
        let follow = redirect::Policy::custom(move |attempt| {
            match check_redirect(&policy, attempt.previous(), attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(refusal) => attempt.error(refusal),
            }
        });
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&self.authorities)?)
            .dns_resolver(self.guard.clone())
            .redirect(follow)
            .referer(false)
            .no_proxy()
            .connect_timeout(self.times.connect)
            .read_timeout(self.times.idle)
            .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Refused {
                why: format!("the HTTP client cannot be set up: {error}"),
                mend: "check the additional certificate authorities".into(),
            })?;
        Ok(Client { http, guard: self.guard, times: self.times, entropy: self.entropy })
    }
}

/// Says whether the host part of `url` may be asked. Names are checked when they are looked up.
pub(crate) fn check_url(policy: &Policy, url: &Url) -> Result<(), Error> {
    let refuse = |why: String, mend: &str| Err(Error::Refused { why, mend: mend.into() });
    if !matches!(url.scheme(), "http" | "https") {
        return refuse(format!("`{}:` is not a web address", url.scheme()), "use `https://…`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the address carries a user name or password".into(), "give the address without it");
    }
    match url.host() {
        Some(Host::Ipv4(address)) => policy.check(address.into()),
        Some(Host::Ipv6(address)) => policy.check(address.into()),
        Some(Host::Domain(_)) => Ok(()),
        None => refuse(format!("`{url}` names no host"), "use `https://host/…`"),
    }
}

fn check_redirect(policy: &Policy, previous: &[Url], next: &Url) -> Result<(), Error> {
    let from = previous.last().and_then(Url::host_str).unwrap_or_default();
    let refuse =
        |why| Err(Error::Refused { why, mend: "use the address it leads to, if you trust it".into() });
    if previous.len() > MOST_REDIRECTS {
        return refuse(format!("`{from}` redirects more than {MOST_REDIRECTS} times"));
    }
    if next.scheme() != "https" && previous.iter().any(|url| url.scheme() == "https") {
        return refuse(format!("`{from}` redirects from https to {}", next.scheme()));
    }
    check_url(policy, next)
}

/// Understands what URLs understand: `0x7f.1` is 127.0.0.1 here too.
fn parse_host(host: &str) -> Result<Host, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(match address {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        });
    }
    Host::parse(host).map_err(|why| Error::Refused {
        why: format!("`{}` is not a host: {why}", host.chars().take(128).collect::<String>()),
        mend: "give a host name or an address".into(),
    })
}

/// Tries each address in turn: the first that answers wins.
async fn dial(host: &str, addresses: &[IpAddr], port: u16) -> Result<TcpStream, Error> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(*address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(Error::Unreachable { host: host.to_owned(), source: Box::new(last) })
}

/// A number nobody can foresee well enough to line up clients.
fn jitter(entropy: Option<&dyn Entropy>) -> u64 {
    let Some(entropy) = entropy else {
        return RandomState::new().hash_one(0_u8);
    };
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Spreads a random number over 0.0 to 1.0.
fn unit(random: u64) -> f64 {
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
