//! What may stand in the fields of a kite and in its address.

use domain::WorkspaceId;
use kite::Kite;
use url::Url;

/// Longest user name in a field, in bytes: what the protocol crate takes, and twice the longest of GitLab.
const MAX_USERNAME: usize = 512;
/// Longest of the other fields, in bytes: a host name has 253 (RFC 1035, 2.3.4).
const MAX_FIELD: usize = 255;
/// Longest version and id, in bytes.
const MAX_SHORT_FIELD: usize = 128;
/// Longest address, in bytes: what browsers and proxies agree on.
const MAX_URL: usize = 2048;

/// The environment of agents' kites, which nobody else may use.
pub const AGENT_ENVIRONMENT: &str = "hearth";
/// The name of agents' kites.
pub const AGENT_NAME: &str = "klient";

/// A user name as it stands in the fields of kites and in tokens: `/` and `%` percent-encoded, the rest as it is.
/// Kite keys hold the name as people write it.
pub fn field_of(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

/// Why a kite cannot be registered as it describes itself. What it says is for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// A field is empty.
    #[error("the kite's field `{0}` is empty; all seven must be given")]
    Empty(&'static str),
    /// A field has a character that would break a path or a log line.
    #[error("the kite's field `{0}` contains a slash or a control character; leave them out")]
    Character(&'static str),
    /// A field is too long.
    #[error("the kite's field `{0}` is longer than {1} bytes; shorten it")]
    TooLong(&'static str, usize),
    /// The id or environment belongs to workspaces.
    #[error("the kite's field `{0}` is one that only workspaces have; choose another")]
    Reserved(&'static str),
    /// There is no address. The original's words.
    #[error("empty url")]
    NoUrl,
    /// The address is not one that can be dialled.
    #[error("the url cannot be used: {0}")]
    Url(&'static str),
}

/// Checks all seven fields.
pub(crate) fn check(kite: &Kite) -> Result<(), Unsound> {
    for (name, value, longest) in [
        ("id", &kite.id, MAX_SHORT_FIELD),
        ("username", &kite.username, MAX_USERNAME),
        ("environment", &kite.environment, MAX_FIELD),
        ("name", &kite.name, MAX_FIELD),
        ("version", &kite.version, MAX_SHORT_FIELD),
        ("region", &kite.region, MAX_FIELD),
        ("hostname", &kite.hostname, MAX_FIELD),
    ] {
        if value.is_empty() {
            return Err(Unsound::Empty(name));
        }
        if value.len() > longest {
            return Err(Unsound::TooLong(name, longest));
        }
        if value.contains('/') || value.chars().any(char::is_control) {
            return Err(Unsound::Character(name));
        }
    }
    Ok(())
}

/// Checks that a service does not pass itself off as a workspace's agent.
pub(crate) fn check_service(kite: &Kite) -> Result<(), Unsound> {
    check(kite)?;
    if kite.environment == AGENT_ENVIRONMENT {
        return Err(Unsound::Reserved("environment"));
    }
    if kite.id.starts_with(WorkspaceId::PREFIX)
        && kite.id.as_bytes().get(WorkspaceId::PREFIX.len()) == Some(&b'_')
    {
        return Err(Unsound::Reserved("id"));
    }
    Ok(())
}

/// Checks the address that callers will dial. Only its form: this server never does.
pub(crate) fn check_url(text: &str) -> Result<(), Unsound> {
    if text.is_empty() {
        return Err(Unsound::NoUrl);
    }
    if text.len() > MAX_URL {
        return Err(Unsound::Url("it is longer than 2048 bytes"));
    }
    if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(Unsound::Url("it contains white space"));
    }
    let url = Url::parse(text).map_err(|_| Unsound::Url("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
        return Err(Unsound::Url("use http, https, ws or wss"));
    }
    if !url.has_host() {
        return Err(Unsound::Url("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') && has_userinfo(text) {
        return Err(Unsound::Url("it contains credentials; everybody who may see the kite would see them"));
    }
    if url.fragment().is_some() {
        return Err(Unsound::Url("it has a fragment (#…), which a connection cannot have"));
    }
    Ok(())
}

/// Whether there is an `@` before the path, even with nothing in front of it, which the parser takes away.
fn has_userinfo(text: &str) -> bool {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
mod tests;
