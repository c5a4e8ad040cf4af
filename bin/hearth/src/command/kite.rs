//! `hearth kite`: the services of the registry, and the keys they register with.

mod call;
mod watch;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::{items, listed, segment, text};
use crate::cli::{Global, KiteCommand, KiteKeyCommand, KiteQuery};
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
            terminal::show(global, &token, |token| text(&token["token"]))
        }
        KiteCommand::Share { kite, user } => {
            let found = find(client, &kite).await?;
            let share = path(&found, &format!("/shares/{}", segment(&user)));
            let share = client.call(Method::PUT, &share, None).await?;
            terminal::show(global, &share, |_| format!("{user} may call {kite}"))
        }
        KiteCommand::Unshare { kite, user } => {
            let found = find(client, &kite).await?;
            let share = path(&found, &format!("/shares/{}", segment(&user)));
            client.call(Method::DELETE, &share, None).await?;
            terminal::show(global, &json!({ "unshared": user }), |_| {
                format!("{user} may call {kite} no more")
            })
        }
        KiteCommand::Shares { kite } => {
            let found = find(client, &kite).await?;
            let shares = client.get(&path(&found, "/shares")).await?;
            listed(global, &shares, ["NAME", "SINCE"], |share| {
                [text(&share["user"]["name"]), text(&share["since"])]
            })
        }
        KiteCommand::Key(command) => key(client, global, command).await,
    }
}

async fn key(client: &Client, global: &Global, command: KiteKeyCommand) -> Result<u8> {
    match command {
        KiteKeyCommand::List => {
            let keys = client.get("/kite-keys").await?;
            listed(global, &keys, ["ID", "NAME", "TEAM", "KITES", "LAST USED", "EXPIRES"], |key| {
                let team = text(&key["team"]["slug"]);
                let rest = ["kites", "last_used_at", "expires_at"].map(|field| text(&key[field]));
                let [kites, used, expires] = rest;
                [text(&key["id"]), text(&key["name"]), team, kites, used, expires]
            })
        }
        KiteKeyCommand::Create { name, team, days, output } => {
            let wish = json!({ "name": name, "team": team, "expires_in_days": days });
            let made = client.call(Method::POST, "/kite-keys", Some(&wish)).await?;
            let Some(file) = output else {
                return terminal::show(global, &made, |made| text(&made["content"]));
            };
            let content = made["content"].as_str().context("the server's answer has no key")?;
            keep(&file, content)?;
            let mut shown = made.clone();
            shown["content"] = Value::Null;
            terminal::show(global, &shown, |key| {
                format!(
                    "{}  kept in `{}`, good until {}",
                    text(&key["id"]),
                    file.display(),
                    text(&key["expires_at"])
                )
            })
        }
        KiteKeyCommand::Code { team } => {
            let code = client.call(Method::POST, "/kite-codes", Some(&json!({ "team": team }))).await?;
            terminal::show(global, &code, |code| text(&code["code"]))
        }
        KiteKeyCommand::Revoke { key } => {
            client.call(Method::DELETE, &format!("/kite-keys/{}", segment(&key)), None).await?;
            terminal::show(global, &json!({ "revoked": key }), |_| format!("{key} has ended"))
        }
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

/// Keeps a key where only this user can read it.
fn keep(file: &Path, content: &str) -> Result<()> {
    let shown = file.display();
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let staging = file.with_extension("new");
    let write = || -> std::io::Result<()> {
        drop(std::fs::remove_file(&staging));
        let mut open = std::fs::OpenOptions::new();
        open.create_new(true).write(true).mode(0o400).open(&staging)?.write_all(content.as_bytes())?;
        std::fs::rename(&staging, file)
    };
    write().with_context(|| format!("cannot write `{shown}`; the key is made and can be revoked"))
}
