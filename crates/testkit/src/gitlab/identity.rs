//! Who is asking: OAuth tokens, personal access tokens, passwords; and what their scopes allow.

use http::{HeaderMap, Method};

use super::instance::Instance;
use super::oauth::client::{basic, bearer};
use super::world::World;

/// Somebody with a valid token.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: u64,
    pub(crate) scopes: Vec<String>,
    /// The personal access token, where it is one.
    pub(crate) personal_token: Option<u64>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No token, or one nobody knows.
    Unknown,
    Expired,
    Revoked,
    Blocked,
}

impl Caller {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }
}

/// The caller of an API request; nobody where it shows no token at all.
pub(crate) fn of_api(
    instance: &Instance,
    headers: &HeaderMap,
    query_token: Option<String>,
) -> Result<Option<Caller>, Refused> {
    let personal = headers.get("private-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(token) = personal.or_else(|| bearer(headers)).or(query_token) else { return Ok(None) };
    let world = instance.world();
    by_token(instance, &world, &token).map(Some)
}

/// The owner of an OAuth or personal access token.
fn by_token(instance: &Instance, world: &World, token: &str) -> Result<Caller, Refused> {
    let now = instance.now();
    let caller = if let Some(pair) = world.tokens.iter().find(|pair| pair.access == token) {
        if pair.revoked {
            return Err(Refused::Revoked);
        }
        if pair.expires_at.is_some_and(|end| end <= now) {
            return Err(Refused::Expired);
        }
        let account = pair.account.ok_or(Refused::Unknown)?;
        Caller { account, scopes: pair.scopes.clone(), personal_token: None }
    } else {
        let known =
            world.personal_tokens.iter().find(|known| known.value == token).ok_or(Refused::Unknown)?;
        if known.revoked {
            return Err(Refused::Revoked);
        }
        if known.expires_at.is_some_and(|end| end <= now) {
            return Err(Refused::Expired);
        }
        Caller { account: known.account, scopes: known.scopes.clone(), personal_token: Some(known.id) }
    };
    let account = world.accounts.get(&caller.account).ok_or(Refused::Unknown)?;
    if account.blocked { Err(Refused::Blocked) } else { Ok(caller) }
}

/// The scopes of which one must be there; empty where any will do. Writing needs `api`; reading is allowed
/// to more.
pub(crate) fn needed(method: &Method, path: &str) -> &'static [&'static str] {
    if path == "/personal_access_tokens/self" {
        return &[];
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return &["api"];
    }
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "user" | "users" | "events" | "version" | "metadata" => &["api", "read_user", "read_api"],
        "projects" if path.contains("/repository/files/") || path.contains("/repository/archive") => {
            &["api", "read_api", "read_repository"]
        }
        _ => &["api", "read_api"],
    }
}

/// The caller of a Git request over HTTP: `oauth2` and a token, any name and a personal access token, or a
/// user name and password. The scopes of a password are those of the whole account.
pub(crate) fn of_git(instance: &Instance, headers: &HeaderMap) -> Result<Option<Caller>, Refused> {
    let Some((name, password)) = basic(headers) else { return Ok(None) };
    let world = instance.world();
    let is_personal = world.personal_tokens.iter().any(|known| known.value == password);
    if name == "oauth2" || is_personal {
        return by_token(instance, &world, &password).map(Some);
    }
    let account = world.account_named(&name).filter(|account| account.password == password);
    let account = account.ok_or(Refused::Unknown)?;
    if account.blocked {
        return Err(Refused::Blocked);
    }
    Ok(Some(Caller { account: account.id, scopes: vec!["api".to_owned()], personal_token: None }))
}
