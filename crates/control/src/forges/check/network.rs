//! The steps of a check that need no account: names, certificates, SSH, and the way back.

use std::net::IpAddr;

use domain::SignedDuration;
use url::{Host, Url};
use vault::Secret;

use super::{Finding, Subject};
use crate::error::Error;
use crate::seal::CellKind;

/// A certificate that ends sooner wants attention.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Addresses that are shown.
const SHOWN: usize = 8;

impl Subject<'_> {
    /// Whether the names of the forge lead to addresses that may be reached.
    pub(super) async fn resolve(&self) -> Finding {
        if let Some(proxy) = &self.forge.proxy {
            let host = proxy.host_str().unwrap_or_default();
            return Finding::skipped(format!("the proxy `{host}` looks names up"), "");
        }
        let base = self.forge.api_base();
        let policy = &self.control.inner.settings.network;
        let addresses: Vec<IpAddr> = match base.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => {
                match tokio::net::lookup_host((name, base.port_or_known_default().unwrap_or(443))).await {
                    Ok(found) => found.map(|address| address.ip()).collect(),
                    Err(_) => Vec::new(),
                }
            }
            None => Vec::new(),
        };
        let host = base.host_str().unwrap_or_default();
        if addresses.is_empty() {
            let mend = format!("check the spelling of `{host}`, and that this machine's DNS knows it");
            return Finding::failed(format!("`{host}` has no address"), mend);
        }
        let refused = addresses.iter().find_map(|address| policy.check(*address).err());
        let is_reachable = addresses.iter().any(|address| policy.check(*address).is_ok());
        let shown: Vec<String> = addresses.iter().take(SHOWN).map(ToString::to_string).collect();
        let shown = format!("`{host}` is {}", shown.join(", "));
        match refused {
            None => Finding::ok(shown),
            Some(error) if is_reachable => Finding::warning(format!("{shown}; {error}"), error.mend()),
            Some(error) => Finding::failed(format!("{shown}; {error}"), error.mend()),
        }
    }

    /// Whether the forge proves who it is.
    pub(super) async fn tls(&self) -> Finding {
        let base = self.forge.api_base();
        if base.scheme() != "https" {
            return if forge::address::is_loopback(base) {
                Finding::ok("it is on this machine, without encryption")
            } else {
                Finding::warning(
                    "there is no encryption: whoever listens on the way can take every token",
                    "give the forge a certificate and register it with `https://`",
                )
            };
        }
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return Finding::failed(error.to_string(), error.mend()),
        };
        let host = base.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let certificate = match client.certificate(host, base.port_or_known_default().unwrap_or(443)).await {
            Ok(certificate) => certificate,
            Err(error) => return Finding::failed(error.to_string(), error.mend()),
        };
        let left = certificate.not_after.duration_since(self.control.now());
        let detail = format!("certificate of {}, good until {}", certificate.issuer, certificate.not_after);
        if left < SOON {
            return Finding::warning(detail, "renew it soon");
        }
        Finding::ok(detail)
    }

    /// Whether what listens where Git is told to go proves itself with the host keys that are kept.
    pub(super) async fn ssh(&self, host_keys: &mut Vec<String>) -> Finding {
        let Some(ssh) = &self.forge.ssh else {
            return Finding::skipped("no SSH address is registered", "give one if people use SSH with Git");
        };
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return Finding::failed(error.to_string(), error.mend()),
        };
        let at = format!("{}:{}", ssh.host, ssh.port);
        match forge::host_keys(&client, &ssh.host, ssh.port).await {
            Ok(found) => *host_keys = found,
            Err(error) => return Finding::failed(error.to_string(), error.mend()),
        }
        if ssh.host_keys.is_empty() {
            let mend = "compare them with what the forge's administrator knows, then save them";
            let count = host_keys.len();
            return Finding::warning(format!("{at} has {count} host keys; none is kept here yet"), mend);
        }
        let is_kept = |key: &String| host_keys.iter().any(|found| same_key(found, key));
        let lost = ssh.host_keys.iter().filter(|key| !is_kept(key)).count();
        if lost == ssh.host_keys.len() {
            let mend = "ask the forge's administrator whether they were changed; do not save them before";
            return Finding::failed(format!("{at} has none of the host keys that are kept here"), mend);
        }
        if lost > 0 {
            let mend = "ask the forge's administrator, then save those it has now";
            return Finding::warning(format!("{at} has not all of the host keys that are kept here"), mend);
        }
        Finding::ok(format!("{at} has the host keys that are kept here"))
    }

    /// Whether the forge can call this server, for web hooks.
    pub(super) fn reach_back(&self) -> Finding {
        let ours = &self.control.inner.settings.public_url;
        let theirs = self.forge.api_base();
        if forge::address::is_loopback(ours) && !forge::address::is_loopback(theirs) {
            let mend =
                "set `server.public_url` to an address that the forge reaches; signing in works without";
            return Finding::warning(
                format!("web hooks cannot reach `{ours}`: it is this machine for everybody"),
                mend,
            );
        }
        if is_private(ours) && !is_private(theirs) {
            let mend = "allow the forge to reach it, or go without web hooks; signing in works without";
            return Finding::warning(
                format!("`{ours}` is a private address, which the forge may not reach"),
                mend,
            );
        }
        Finding::skipped("only the forge can try it: its first web hook will show", "")
    }

    /// A client with this forge's authorities and proxy.
    pub(super) async fn client(&self) -> Result<outbound::Client, Error> {
        let forge = self.forge;
        let mut builder =
            outbound::Client::builder(self.control.inner.settings.network.clone()).no_redirects();
        if let Some(pem) = &forge.ca_pem {
            builder = builder.authorities(pem.clone());
        }
        if let Some(certificate) = &forge.client_certificate {
            let key = self.control.unseal(CellKind::ForgeClientKey, &forge.id.to_string()).await?;
            if let Some(key) = key {
                builder = builder.client_certificate(Secret::new(format!("{certificate}\n{}", key.expose())));
            }
        }
        if let Some(proxy) = &forge.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder.build().map_err(|error| Error::Forge { what: error.to_string(), mend: error.mend() })
    }
}

/// Whether two lines are of the same key; comments do not count.
fn same_key(one: &str, other: &str) -> bool {
    let blob = |line: &str| vault::ssh::PublicKey::parse(line).map(|key| key.blob().to_vec()).ok();
    blob(one).is_some_and(|one| Some(one) == blob(other))
}

/// Whether an address is one of a private network or of this machine. Names are not looked up.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_private() || address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
        Some(Host::Domain(_)) | None => forge::address::is_loopback(url),
    }
}
