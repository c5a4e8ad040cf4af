//! Names to addresses, through the guard: whoever dials gets only addresses that were checked.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use crate::{Error, Policy};

/// A pending look-up.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks up the addresses of a host name. The system's in production, a table in tests.
pub trait Resolver: Send + Sync {
    /// All addresses of `host`, best first.
    fn resolve(&self, host: &str) -> Resolving;
}

/// Asks the system, and so `/etc/hosts` and whatever else the machine is set up with.
#[derive(Debug)]
pub(crate) struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// The policy together with the look-up it guards.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) policy: Arc<Policy>,
    pub(crate) resolver: Arc<dyn Resolver>,
}

impl Guard {
    /// The addresses of `host` that may be dialled, at least one.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let unknown = |source| Error::UnknownHost { host: host.to_owned(), source };
        let found = self.resolver.resolve(host).await.map_err(unknown)?;
        let mut permitted = Vec::with_capacity(found.len());
        let mut refusal = None;
        for address in found {
            match self.policy.check(address) {
                Ok(()) => permitted.push(address),
                Err(error) => refusal = Some(error),
            }
        }
        match refusal {
            _ if !permitted.is_empty() => Ok(permitted),
            Some(Error::Refused { why, mend }) => {
                Err(Error::Refused { why: format!("`{host}` leads nowhere permitted: {why}"), mend })
            }
            Some(other) => Err(other),
            None => Err(unknown(io::Error::new(io::ErrorKind::NotFound, "the name has no addresses"))),
        }
    }
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            // Port 0 means: the one of the URL.
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as reqwest::dns::Addrs)
        })
    }
}
