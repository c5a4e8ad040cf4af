//! The client: what is fixed for all requests, and raw connections under the same guard.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::Entropy;
use http::Method;
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::builder::Builder;
use crate::resolve::Guard;
use crate::tls::Trust;
use crate::{CertificateInfo, Error, Policy, Request, certificate, tunnel};

/// Makes guarded requests and connections. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    /// For requests that may be led elsewhere, as the settings say.
    pub(crate) http: reqwest::Client,
    /// For requests that may not: those that change something, where redirects are confined to an origin.
    pub(crate) unled: reqwest::Client,
    pub(crate) guard: Guard,
    pub(crate) times: Times,
    pub(crate) entropy: Option<Arc<dyn Entropy>>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) proxy: Option<Url>,
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
        Builder::new(policy)
    }

    /// Asks for `url`. Repeated a few times when the host cannot be reached or is overloaded.
    pub fn get(&self, url: Url) -> Request {
        self.request(Method::GET, url)
    }

    /// Asks for the headers of `url` only. Repeated like [`Client::get`].
    pub fn head(&self, url: Url) -> Request {
        self.request(Method::HEAD, url)
    }

    /// Sends something to `url`. Never repeated.
    pub fn post(&self, url: Url) -> Request {
        self.request(Method::POST, url)
    }

    /// Puts something at `url`. Never repeated.
    pub fn put(&self, url: Url) -> Request {
        self.request(Method::PUT, url)
    }

    /// Changes something at `url`. Never repeated.
    pub fn patch(&self, url: Url) -> Request {
        self.request(Method::PATCH, url)
    }

    /// Deletes what is at `url`. Never repeated.
    pub fn delete(&self, url: Url) -> Request {
        self.request(Method::DELETE, url)
    }

    /// Any request. Only `GET` and `HEAD` are repeated.
    pub fn request(&self, method: Method, url: Url) -> Request {
        Request::new(self.clone(), method, url)
    }

    /// How long to wait before repeating something that has been tried `tried` times: 200 ms, doubled each
    /// time up to 6.4 s, and up to as much again at random.
    pub fn pause(&self, tried: u32) -> Duration {
        let base = FIRST_PAUSE * 2_u32.pow(tried.saturating_sub(1).min(5));
        base + base.mul_f64(unit(jitter(self.entropy.as_deref())))
    }

    /// Opens a TCP connection to `host`, a name or an address, under the same guard as requests, and through
    /// the proxy if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], [`Error::UnknownHost`], [`Error::Unreachable`], [`Error::Timeout`], or
    /// [`Error::Protocol`] from the proxy.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let dial = async {
            let target = parse_host(host)?;
            let Some(proxy) = &self.proxy else { return self.dial(host, target, port).await };
            // Names are the proxy's to look up; an address is an address.
            if let Some(address) = address(&target) {
                self.guard.policy.check(address)?;
            }
            let (next, next_port) = tunnel::entrance(proxy)?;
            let stream = self.dial(next, parse_host(next)?, next_port).await?;
            tunnel::open(stream, proxy, &target, port).await
        };
        match tokio::time::timeout(self.times.connect, dial).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { host: host.to_owned(), after: self.times.connect }),
        }
    }

    /// Says who `host` proves to be, by a TLS handshake without a request.
    ///
    /// # Errors
    ///
    /// Like [`Client::connect`], and [`Error::Tls`] with its reason when the proof is not good enough; the
    /// error then names the certificate's issuer.
    pub async fn certificate(&self, host: &str, port: u16) -> Result<CertificateInfo, Error> {
        let name = parse_host(host)?;
        let stream = self.connect(host, port).await?;
        match tokio::time::timeout(self.times.connect, certificate::look(&self.trust, &name, stream)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { host: host.to_owned(), after: self.times.connect }),
        }
    }

    async fn dial(&self, host: &str, target: Host, port: u16) -> Result<TcpStream, Error> {
        let addresses = match target {
            Host::Ipv4(address) => self.permitted(address.into())?,
            Host::Ipv6(address) => self.permitted(address.into())?,
            Host::Domain(name) => self.guard.addresses(&name).await?,
        };
        dial(host, &addresses, port).await
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

/// The address that a host is, if it is one.
fn address(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
        Host::Domain(_) => None,
    }
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
