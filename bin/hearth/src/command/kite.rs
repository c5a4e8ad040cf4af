//! `hearth kite`: the services of the registry, and the keys they register with.

mod call;
mod key;
mod share;
mod watch;

use anyhow::{Result, bail};
use http::Method;
use serde_json::Value;

use super::{items, listed, segment, text};
use crate::cli::{Global, KiteCommand, KiteQuery};
use crate::client::Client;
use crate::terminal;

/// Everything about kites.
pub async fn kite(client: &Client, global: &Global, command: KiteCommand) -> Result<u8> {
    match command {
        KiteCommand::List(query) => {
            let kites = client.get(&list_path(&query)).await?;
            let headings = ["ID", "OWNER", "NAME", "VERSION", "REGION", "HOST", "SINCE", "CALLS", "ERRORS"];
            listed(global, &kites, headings, |kite| {
                let fields = ["id", "username", "name", "version", "region", "hostname"];
                let [id, owner, name, version, region, host] = fields.map(|field| text(&kite[field]));
                let since = if kite["connected"] == false {
                    "coming back".into()
                } else {
                    text(&kite["registered_at"])
                };
                [id, owner, name, version, region, host, since, text(&kite["calls"]), text(&kite["errors"])]
            })
        }
        KiteCommand::Show { kite } => {
            let found = find(client, &kite).await?;
            terminal::show(global, &found, facts)
        }
        KiteCommand::Call(options) => call::call(client, global, options).await,
        KiteCommand::Watch(query) => watch::watch(client, global, &query).await,
        KiteCommand::Token { kite } => {
            let found = find(client, &kite).await?;
            let token = client.call(Method::POST, &path(&found, "/token"), None).await?;
            if !global.json {
                let (until, url) = (text(&token["expires_at"]), text(&token["url"]));
                terminal::note(&format!("good until {until}, for calls of the kite at {url}"));
            }
            terminal::show(global, &token, |token| text(&token["token"]))
        }
        KiteCommand::Share { kite, user } => share::share(client, global, &kite, &user).await,
        KiteCommand::Unshare { kite, user } => share::unshare(client, global, &kite, &user).await,
        KiteCommand::Shares { kite } => share::shares(client, global, &kite).await,
        KiteCommand::Key(command) => key::key(client, global, command).await,
    }
}

/// Finds the one kite that is meant: by id, by the workspace whose agent it is, or by its name.
async fn find(client: &Client, wanted: &str) -> Result<Value> {
    let kites = client.get("/kites").await?;
    let kites = items(&kites);
    if let Some(found) = kites.iter().find(|kite| kite["id"] == wanted) {
        return Ok(found.clone());
    }
    let is_agent_of = |kite: &&Value| {
        !kite["workspace"].is_null() && kite["hostname"] == wanted && kite["may_call"] == true
    };
    let found: Vec<_> = kites.iter().filter(is_agent_of).collect();
    let found =
        if found.is_empty() { kites.iter().filter(|kite| kite["name"] == wanted).collect() } else { found };
    match found.as_slice() {
        [] => bail!("there is no kite `{wanted}` that you may see\n  mend: `hearth kite list` shows them"),
        [only] => Ok((*only).clone()),
        several => {
            let ids: Vec<_> = several.iter().map(|kite| text(&kite["id"])).collect();
            bail!("`{wanted}` means {} kites\n  mend: give one of the ids {}", ids.len(), ids.join(", "))
        }
    }
}

fn path(kite: &Value, rest: &str) -> String {
    format!("/kites/{}{rest}", segment(kite["id"].as_str().unwrap_or_default()))
}

fn list_path(query: &KiteQuery) -> String {
    let fields = [
        ("username", &query.username),
        ("environment", &query.environment),
        ("name", &query.name),
        ("version", &query.version),
        ("region", &query.region),
        ("hostname", &query.hostname),
    ];
    let given: Vec<_> = fields
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", segment(value))))
        .collect();
    if given.is_empty() { "/kites".into() } else { format!("/kites?{}", given.join("&")) }
}

fn facts(kite: &Value) -> String {
    let shown = [
        ("owner", "username"),
        ("environment", "environment"),
        ("version", "version"),
        ("region", "region"),
        ("host", "hostname"),
        ("url", "url"),
        ("since", "registered_at"),
        ("last seen", "last_seen_at"),
        ("calls", "calls"),
        ("errors", "errors"),
        ("callable", "may_call"),
    ];
    let mut lines = vec![format!("{}  {}", text(&kite["name"]), text(&kite["id"]))];
    lines.extend(shown.map(|(name, key)| format!("  {name:12} {}", text(&kite[key]))));
    lines.join("\n")
}
