//! An address in parts, however it was written: HTTP, SSH, `git@host:path`, or without a scheme.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::ContextError;
use super::error::{credentials, empty, encoding, not_an_address, scheme};

/// The port of SSH where none is written.
const SSH_PORT: u16 = 22;

/// What is encoded in a part of a path: all that could end it, or that a browser would write otherwise.
const IN_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// How an address would be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// HTTP or HTTPS.
    Web,
    /// SSH, at this port.
    Ssh(u16),
}

/// An address in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// As a URL of the web; for SSH with the same host and path over HTTPS.
    pub(super) web: Url,
    /// How it was written.
    pub(super) over: Over,
    /// Whether nothing but the dots in it says that the first part is a host.
    pub(super) is_guess: bool,
    /// The parts of the path: percent-decoded, none empty, none with a slash, `.` or `..`.
    pub(super) segments: Vec<String>,
    /// What stands behind the question mark.
    pub(super) query: Query,
}

/// The query of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// The value of a key; the first where there are several, none where it is empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl Address {
    /// Takes a text apart.
    pub(super) fn parse(text: &str) -> Result<Self, ContextError> {
        if text.is_empty() {
            return Err(empty());
        }
        if text.chars().any(char::is_control) {
            return Err(not_an_address(text));
        }
        match Written::of(text) {
            Written::Web => Self::from_web(text, text, false),
            Written::WithoutScheme => Self::from_web(&["https://", text].concat(), text, true),
            Written::Ssh(rest) => Self::from_ssh(rest, text),
            Written::Scp { host, path } => Self::from_parts(host, SSH_PORT, path, text),
            Written::Other(other) => Err(scheme(other)),
        }
    }

    /// `text` is what was pasted, for people.
    fn from_web(whole: &str, text: &str, without_scheme: bool) -> Result<Self, ContextError> {
        let mut web = Url::parse(whole).map_err(|_| not_an_address(text))?;
        if !web.username().is_empty() || web.password().is_some() {
            return Err(credentials());
        }
        if web.host_str() == Some("github.dev") {
            web.set_host(Some("github.com")).map_err(|_| not_an_address(text))?;
        }
        let segments = decode(web.path())?;
        let query = web.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        let is_guess = without_scheme && web.port().is_none();
        Ok(Self { web, over: Over::Web, is_guess, segments, query: Query(query) })
    }

    /// `rest` is what stands behind `ssh://`.
    fn from_ssh(rest: &str, text: &str) -> Result<Self, ContextError> {
        let (authority, path) = rest.split_once('/').ok_or_else(|| not_an_address(text))?;
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return Err(credentials());
        }
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !place.ends_with(']') => {
                (host, port.parse().map_err(|_| not_an_address(text))?)
            }
            _ => (place, SSH_PORT),
        };
        Self::from_parts(host, port, path, text)
    }

    fn from_parts(host: &str, port: u16, path: &str, text: &str) -> Result<Self, ContextError> {
        // Only a name, or an address in brackets: anything else would move the host somewhere else.
        if host.is_empty() || host.contains(['/', '@', '?', '#', '\\', '%']) {
            return Err(not_an_address(text));
        }
        let mut web = Url::parse(&format!("https://{host}/")).map_err(|_| not_an_address(text))?;
        if web.port().is_some() {
            return Err(not_an_address(text));
        }
        // SSH knows no query: a question mark is part of the path.
        let segments = decode(path)?;
        web.set_path(&encode(&segments));
        Ok(Self { web, over: Over::Ssh(port), is_guess: true, segments, query: Query::default() })
    }
}

/// How an address is written.
enum Written<'a> {
    Web,
    WithoutScheme,
    Ssh(&'a str),
    Scp { host: &'a str, path: &'a str },
    Other(&'a str),
}

impl<'a> Written<'a> {
    fn of(text: &'a str) -> Self {
        let head = text.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((before, behind)) = split_at_colon(text, head) else { return Self::WithoutScheme };
        if ["http", "https"].iter().any(|scheme| before.eq_ignore_ascii_case(scheme)) {
            return Self::Web;
        }
        if let Some(rest) = behind.strip_prefix("//") {
            let is_ssh = ["ssh", "git+ssh", "ssh+git"].iter().any(|name| before.eq_ignore_ascii_case(name));
            return if is_ssh { Self::Ssh(rest) } else { Self::Other(before) };
        }
        let first = behind.split(['/', '?', '#']).next().unwrap_or_default();
        let is_port = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        match before.rsplit_once('@') {
            Some((_, host)) => Self::Scp { host, path: behind },
            None if is_port => Self::WithoutScheme,
            None => Self::Scp { host: before, path: behind },
        }
    }
}

/// Splits at the first colon of the text's head that is not within brackets.
fn split_at_colon<'a>(text: &'a str, head: &str) -> Option<(&'a str, &'a str)> {
    let from = head.find(']').unwrap_or(0);
    let colon = head.get(from..)?.find(':')? + from;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}

/// The parts of a path. A slash that was written as `%2F` separates like any other.
fn decode(path: &str) -> Result<Vec<String>, ContextError> {
    let mut segments = Vec::with_capacity(8);
    for raw in path.split('/') {
        let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| encoding())?;
        for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
            if matches!(segment, "." | "..") || segment.chars().any(char::is_control) {
                return Err(encoding());
            }
            segments.push(segment.to_owned());
        }
    }
    Ok(segments)
}

/// The path of these parts: every part behind a slash, written in the one way.
pub(super) fn encode(segments: &[String]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, IN_SEGMENT));
    }
    path
}
