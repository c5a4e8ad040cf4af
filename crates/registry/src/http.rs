//! Registration over HTTP, for kites that keep no connection: what the server mounts as `POST /kite/register` and
//! `GET /kite/heartbeat`. Statuses and bodies are the original's.

use std::net::IpAddr;

use domain::KiteVia;
use kite::{Error, Kite};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use vault::Secret;

use crate::errors::kind;
use crate::policy::Reach;
use crate::registry::Registry;

/// Longest body that is read. A kite key of 8 KB and seven fields fit several times.
pub const MAX_REGISTER_BYTES: usize = 64 * 1024;

/// What an HTTP request is answered with.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body, which may hold a kite key. Its content type is `text/plain`, as the original's.
    pub body: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    url: String,
    #[serde(default)]
    kite: Kite,
    #[serde(default)]
    auth: Auth,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    #[serde(rename = "type")]
    kind: String,
    key: String,
}

fn refuse(status: u16, reason: &str) -> HttpAnswer {
    HttpAnswer { status, body: json!({ "err": reason }).to_string() }
}

fn say(status: u16, word: &str) -> HttpAnswer {
    HttpAnswer { status, body: word.to_owned() }
}

impl Registry {
    /// `POST /kite/register`: the body as it came, and the address that it came from.
    pub async fn register_http(&self, body: &[u8], address: Option<IpAddr>) -> HttpAnswer {
        if !self.limits().registers.take(address, Instant::now()) {
            return refuse(429, &Error::rate_limited().message);
        }
        if body.len() > MAX_REGISTER_BYTES {
            return refuse(413, "the body is longer than 64 KiB");
        }
        let Ok(Body { url, kite, auth }) = serde_json::from_slice::<Body>(body) else {
            return refuse(
                400,
                "the body is not {\"url\", \"kite\": {…}, \"auth\": {\"type\", \"key\"}} as JSON",
            );
        };
        if url.is_empty() {
            return refuse(400, "empty URL");
        }
        if auth.kind != "kiteKey" {
            let kind: String = auth.kind.chars().take(64).collect();
            return refuse(400, &format!("unexpected authentication type: {kind}"));
        }
        let outcome = async {
            let person = self.who_has_key(&auth.key, address).await?;
            if person.principal.reach != Reach::Full {
                return Err(crate::policy::Refused::NotAllowed.into());
            }
            self.register_person(&person, kite, url, address).await
        };
        match outcome.await {
            Ok(registered) => match serde_json::to_string(&registered) {
                Ok(body) => HttpAnswer { status: 200, body },
                Err(_) => refuse(500, "cannot write the answer"),
            },
            Err(error) => refuse(status_of(&error), &error.message),
        }
    }

    /// `GET /kite/heartbeat?id=…`: `pong`, or `registeragain` if nothing of that id is registered over HTTP by whoever
    /// asks. Whoever asks is known by the kite key in `bearer`, or by the address that the registration came from if
    /// that is another machine's: behind a proxy on this one, everybody has the same.
    pub async fn beat_http(
        &self,
        id: Option<&str>,
        bearer: Option<Secret<String>>,
        address: Option<IpAddr>,
    ) -> HttpAnswer {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return say(400, "query id is empty") };
        if !self.limits().beats.take(address, Instant::now()) {
            return refuse(429, &Error::rate_limited().message);
        }
        let owner = match bearer {
            Some(bearer) => match self.who_has_key(bearer.expose(), address).await {
                Ok(person) => Some(person.principal.user),
                Err(error) if error.is(kite::error::kind::AUTHENTICATION) => {
                    return say(200, "registeragain");
                }
                Err(error) => return refuse(status_of(&error), &error.message),
            },
            None => None,
        };
        let at = self.now();
        let is_known = self.change(|state| {
            let Some(entry) = state.book.index.get(id).filter(|entry| entry.via == KiteVia::Http) else {
                return false;
            };
            let is_theirs = match owner {
                Some(owner) => entry.owner == owner,
                None => state.lines.get(id).is_some_and(|line| {
                    line.generation == entry.generation && proves(address) && line.address == address
                }),
            };
            is_theirs && state.book.beat(id, None, Instant::now(), at)
        });
        say(200, if is_known { "pong" } else { "registeragain" })
    }
}

/// Whether an address tells its machine from all others.
fn proves(address: Option<IpAddr>) -> bool {
    address.is_some_and(|address| !address.to_canonical().is_loopback())
}

fn status_of(error: &Error) -> u16 {
    match error.kind.as_str() {
        kite::error::kind::ARGUMENT => 400,
        kite::error::kind::AUTHENTICATION => 401,
        kind::NOT_ALLOWED => 403,
        kite::error::kind::RATE_LIMITED | kind::TOO_MANY => 429,
        _ => 503,
    }
}
