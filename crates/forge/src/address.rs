//! The address of a forge, as a person typed or pasted it, in its one canonical form.

use std::fmt;

use url::{Host, Url};

/// Whether `http://` is taken for hosts other than this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// No: whoever listens on the way could take every token.
    Refused,
    /// Yes; the operator said so.
    Allowed,
}

/// The longest address that is taken: what every browser and proxy can carry.
const LONGEST: usize = 2048;

/// The text is not the address of a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidAddress {
    /// No URL with a host.
    NotAUrl(String),
    /// Longer than 2048 bytes.
    TooLong,
    /// Neither `https` nor `http`.
    Scheme(String),
    /// `http` to another machine.
    Unencrypted,
    /// A user name or password in it.
    Credentials,
    /// A query or fragment: the address of a page.
    Page,
    /// A path that servers and proxies read differently.
    Path,
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl(text) => write!(f, "`{text}` is not the address of a server"),
            Self::TooLong => write!(f, "the address is longer than {LONGEST} bytes"),
            Self::Scheme(scheme) => write!(f, "`{scheme}:` is not a web address"),
            Self::Unencrypted => f.write_str("the address is unencrypted `http://`"),
            Self::Credentials => f.write_str("the address carries a user name or password"),
            Self::Page => f.write_str("the address carries a `?` or `#` part, so it is that of a page"),
            Self::Path => f.write_str("the path of the address has empty or encoded parts"),
        }
    }
}

impl std::error::Error for InvalidAddress {}

impl InvalidAddress {
    /// What the reader can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::NotAUrl(_) | Self::TooLong | Self::Scheme(_) | Self::Page => {
                "give the address of its start page, such as `https://gitlab.example.com`"
            }
            Self::Unencrypted => {
                "use `https://`, or allow unencrypted forges in this server's settings if its network is trusted"
            }
            Self::Credentials => "take it out; accounts are linked by their owners",
            Self::Path => "give the address of its start page, such as `https://example.com/gitlab`",
        }
    }
}

/// Reads the address of a forge or issuer: `https` (assumed where no scheme is given), no user name, query
/// or fragment; a path prefix is kept, slashes at its end are not; host in ASCII and without a dot at its
/// end; the scheme's own port is left out. The same server has the same text however it was typed, so the
/// result can be compared and names the issuer.
///
/// # Errors
///
/// [`InvalidAddress`], which has a mend.
pub fn web_url(text: &str, plain_http: PlainHttp) -> Result<Url, InvalidAddress> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(InvalidAddress::TooLong);
    }
    let not_a_url = || InvalidAddress::NotAUrl(text.chars().take(100).collect());
    let with_scheme = match text.split_once("://") {
        Some(_) => text.to_owned(),
        None => format!("https://{}", text.trim_start_matches('/')),
    };
    let mut url = Url::parse(&with_scheme).map_err(|_| not_a_url())?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(InvalidAddress::Scheme(url.scheme().chars().take(20).collect()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidAddress::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(InvalidAddress::Page);
    }
    let host = url.host_str().unwrap_or_default();
    if let Some(bare) = host.strip_suffix('.') {
        let bare = bare.to_owned();
        url.set_host(Some(&bare)).map_err(|_| not_a_url())?;
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || host.ends_with('.') || host.starts_with('.') || host.contains("..") {
        return Err(not_a_url());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.contains("//") || path.contains(['%', '\\', ';']) {
        return Err(InvalidAddress::Path);
    }
    url.set_path(&path);
    if url.scheme() == "http" && plain_http == PlainHttp::Refused && !is_loopback(&url) {
        return Err(InvalidAddress::Unencrypted);
    }
    Ok(url)
}

/// Whether `url` leads to this machine itself, by its name or address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// `base` with `path` after its prefix. `path` is encoded already and begins with a slash.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{prefix}{path}"));
    url.set_query(query);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests;
