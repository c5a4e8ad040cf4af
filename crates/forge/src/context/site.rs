//! Sites: the forges an address may belong to, and which one it does.

use domain::{Forge, ForgeId, ForgeKind};
use percent_encoding::percent_decode_str;
use url::Url;

use super::address::{Address, Over, Query, encode};

/// A place where forges take SSH connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshHost {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A forge that an address may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The registered forge; none for a public one that nobody registered.
    pub forge: Option<ForgeId>,
    /// What runs there.
    pub kind: ForgeKind,
    /// Where browsers reach it.
    pub web_url: Url,
    /// Where Git reaches it over HTTP, if elsewhere.
    pub git_url: Option<Url>,
    /// Where Git reaches it over SSH; the host of `web_url` at port 22 where empty.
    pub ssh: Vec<SshHost>,
}

impl Site {
    /// The site of a registered forge.
    pub fn of(forge: &Forge) -> Self {
        let ssh = forge.ssh.iter().map(|ssh| SshHost { host: ssh.host.clone(), port: ssh.port });
        Self {
            forge: Some(forge.id),
            kind: forge.kind,
            web_url: forge.web_url.clone(),
            git_url: forge.git_url.clone(),
            ssh: ssh.collect(),
        }
    }

    /// The public homes of the products, which are known without registration.
    pub fn public() -> Vec<Self> {
        let public = ForgeKind::ALL.into_iter().filter_map(|kind| {
            let web_url: Url = kind.public_home()?.parse().ok()?;
            let host = |host: &str, port| SshHost { host: host.to_owned(), port };
            // The second ones are for networks that let only port 443 through.
            let ssh = match kind {
                ForgeKind::Gitlab => vec![host("gitlab.com", 22), host("altssh.gitlab.com", 443)],
                ForgeKind::Github => vec![host("github.com", 22), host("ssh.github.com", 443)],
                ForgeKind::BitbucketCloud => {
                    vec![host("bitbucket.org", 22), host("altssh.bitbucket.org", 443)]
                }
                ForgeKind::AzureDevops => vec![host("ssh.dev.azure.com", 22)],
                ForgeKind::Gitea | ForgeKind::BitbucketServer | ForgeKind::OpenId => vec![],
            };
            Some(Self { forge: None, kind, web_url, git_url: None, ssh })
        });
        public.collect()
    }
}

/// The site of an address.
pub(super) struct Found<'a> {
    pub(super) index: usize,
    pub(super) site: &'a Site,
    /// The parts of the path below the site's own, as its web pages have them.
    pub(super) segments: Vec<String>,
}

/// How well a site fits: first by the length of its path, then by whether the scheme is the same.
type Fit = (usize, bool);

/// Finds the site that an address belongs to: by parsed host and port and by whole parts of the path, never
/// by how the text looks. The longest path wins, then the same scheme, then the earlier site.
pub(super) fn find<'a>(sites: &'a [Site], address: &Address) -> Option<Found<'a>> {
    let mut best: Option<(Fit, usize, &Site)> = None;
    for (index, site) in sites.iter().enumerate().filter(|(_, site)| site.kind.has_repositories()) {
        let fit = match address.over {
            Over::Ssh(port) => takes_ssh(site, address, port).then_some((0, true)),
            Over::Web => {
                let bases = std::iter::once(&site.web_url).chain(&site.git_url);
                bases.filter_map(|base| covers(base, address)).max()
            }
        };
        if let Some(fit) = fit
            && best.as_ref().is_none_or(|(found, ..)| fit > *found)
        {
            best = Some((fit, index, site));
        }
    }
    let ((depth, _), index, site) = best?;
    let below = address.segments.get(depth..).unwrap_or_default();
    let segments = match address.over {
        Over::Web => below.to_vec(),
        Over::Ssh(_) => as_web_page(site.kind, below),
    };
    Some(Found { index, site, segments })
}

/// Whether an address lies below a base, and how deep the base is.
fn covers(base: &Url, address: &Address) -> Option<Fit> {
    let web = &address.web;
    let same_host = host(base)? == host(web)?;
    // The default ports of HTTP and HTTPS stand for each other: people leave the scheme out or mix it up.
    let same_port = base.port() == web.port()
        || base.port_or_known_default().is_some_and(|port| web.port_or_known_default() == Some(port));
    if !same_host || !same_port {
        return None;
    }
    let mut depth = 0;
    for part in base.path().split('/').filter(|part| !part.is_empty()) {
        let part = percent_decode_str(part).decode_utf8().ok()?;
        if address.segments.get(depth)?.as_str() != part {
            return None;
        }
        depth += 1;
    }
    Some((depth, base.scheme() == web.scheme()))
}

/// The host without the dot that makes it absolute.
fn host(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    Some(host.strip_suffix('.').unwrap_or(host))
}

fn takes_ssh(site: &Site, address: &Address, port: u16) -> bool {
    let Some(wanted) = host(&address.web) else { return false };
    if site.ssh.is_empty() {
        return port == 22 && host(&site.web_url) == Some(wanted);
    }
    let same = |name: &str| name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case(wanted);
    site.ssh.iter().any(|ssh| ssh.port == port && same(&ssh.host))
}

/// Where the web shows what SSH has under a path.
fn as_web_page(kind: ForgeKind, path: &[String]) -> Vec<String> {
    let owned = |parts: &[&str]| parts.iter().map(|&part| part.to_owned()).collect();
    match (kind, path) {
        (ForgeKind::AzureDevops, [version, organisation, project, repository])
            if version.eq_ignore_ascii_case("v3") =>
        {
            owned(&[organisation, project, "_git", repository])
        }
        (ForgeKind::BitbucketServer, [key, slug]) => owned(&["scm", key, slug]),
        _ => path.to_vec(),
    }
}

/// The one way of writing the address of a page.
pub(super) fn page_url(site: &Site, segments: &[String], query: &Query) -> String {
    let mut url = site.web_url.clone();
    let path = [url.path().trim_end_matches('/'), &encode(segments)].concat();
    url.set_path(&path);
    url.set_fragment(None);
    url.set_query(None);
    for key in keys(site.kind) {
        if let Some(value) = query.get(key) {
            url.query_pairs_mut().append_pair(key, value);
        }
    }
    url.into()
}

/// What of a query says something about what is shown.
fn keys(kind: ForgeKind) -> &'static [&'static str] {
    match kind {
        ForgeKind::Gitlab => &["ref_type"],
        ForgeKind::BitbucketCloud => &["at"],
        ForgeKind::BitbucketServer => &["at", "until"],
        ForgeKind::AzureDevops => &["path", "version"],
        ForgeKind::Github | ForgeKind::Gitea | ForgeKind::OpenId => &[],
    }
}
