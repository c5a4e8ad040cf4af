//! The session cookie: one name, one way to write it, one way to read it.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// The cookie's name.
pub(crate) const NAME: &str = "hearth_session";

/// How long a browser keeps it: 30 days. The server decides by its own record when a session ends.
const MAX_AGE_S: u32 = 30 * 24 * 60 * 60;

/// Whether the cookie may travel over plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Only over TLS.
    Tls,
    /// Over plain HTTP too, because that is how people reach the server.
    Plain,
}

/// The header that gives a browser its session.
pub(crate) fn set(token: &str, transport: Transport) -> Option<HeaderValue> {
    write(token, MAX_AGE_S, transport)
}

/// The header that takes it away.
pub(crate) fn clear(transport: Transport) -> Option<HeaderValue> {
    write("", 0, transport)
}

fn write(token: &str, max_age_s: u32, transport: Transport) -> Option<HeaderValue> {
    let secure = match transport {
        Transport::Tls => "; Secure",
        Transport::Plain => "",
    };
    let text = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
    HeaderValue::from_str(&text).ok().map(|mut value| {
        value.set_sensitive(true);
        value
    })
}

/// The session token a request carries. HTTP/2 may spread cookies over several headers.
pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
        .filter(|token| !token.is_empty())
}
