//! The cookie that binds a round trip to a forge to the browser that began it.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::app::App;

/// Ten minutes, as long as an attempt is good.
const MAX_AGE_S: u32 = 10 * 60;

/// Over TLS the prefix makes browsers refuse it from any other host, sub-domains included.
fn name(app: &App) -> &'static str {
    if app.is_https() { "__Host-hearth_attempt" } else { "hearth_attempt" }
}

/// The header that gives a browser its token.
pub(crate) fn set(app: &App, token: &str) -> Option<HeaderValue> {
    write(app, token, MAX_AGE_S)
}

/// The header that takes it away.
pub(crate) fn clear(app: &App) -> Option<HeaderValue> {
    write(app, "", 0)
}

fn write(app: &App, token: &str, max_age_s: u32) -> Option<HeaderValue> {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let name = name(app);
    // Lax: the way back from the forge is a top-level GET from another site.
    let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
    HeaderValue::from_str(&text).ok().map(|mut value| {
        value.set_sensitive(true);
        value
    })
}

/// The token a request carries.
pub(crate) fn read<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = name(app);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|token| !token.is_empty())
}
