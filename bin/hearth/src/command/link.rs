//! `hearth link`: one's accounts on forges.

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::{items, text};
use crate::cli::{Global, LinkCommand};
use crate::client::{Client, Endpoint};
use crate::terminal;

/// Lists, makes and revokes links.
pub async fn link(client: &Client, global: &Global, command: LinkCommand) -> Result<u8> {
    match command {
        LinkCommand::List => {
            let forges = client.get("/me/integrations").await?;
            if global.json {
                return terminal::show(global, &forges, |_| String::new());
            }
            if items(&forges).is_empty() {
                terminal::note("no forges are registered; an administrator does that");
                return Ok(0);
            }
            let rows: Vec<_> = items(&forges).iter().map(row).collect();
            terminal::table(["FORGE", "ACCOUNT", "STATE", "SCOPES", "SSH KEY"], &rows);
            Ok(0)
        }
        LinkCommand::Add { forge, token_stdin: true } => {
            let forge = find(client, &forge).await?;
            let token = terminal::read_secret("the personal access token")?;
            let wish = json!({ "forge": forge["forge"], "token": token });
            let done = client.call(Method::POST, "/me/links", Some(&wish)).await?;
            terminal::show(global, &done["linked"], |link| {
                format!("linked as {} at {}", text(&link["login"]), text(&forge["name"]))
            })
        }
        LinkCommand::Add { forge, token_stdin: false } => {
            // The consent of a forge belongs into the browser that began it, so it begins there.
            let forge = find(client, &forge).await?;
            let base = match client.endpoint() {
                Endpoint::Remote { url, .. } => url.to_string(),
                Endpoint::Local(_) => {
                    let version = client.get("/version").await?;
                    version["public_url"].as_str().context("the server does not say its address")?.to_owned()
                }
            };
            let page = format!("{}/settings/integrations", base.trim_end_matches('/'));
            terminal::show(global, &json!({ "url": page }), |_| {
                format!("connect {} in your browser: {page}", text(&forge["name"]))
            })
        }
        LinkCommand::Remove { forge } => {
            let id = if forge.starts_with("link_") {
                forge
            } else {
                let found = find(client, &forge).await?;
                let id = found["link"]["id"].as_str();
                id.context("you have no account linked there")?.to_owned()
            };
            client.call(Method::DELETE, &format!("/me/links/{id}"), None).await?;
            terminal::show(global, &json!({ "removed": id }), |_| "disconnected and revoked".into())
        }
    }
}

async fn find(client: &Client, wanted: &str) -> Result<Value> {
    let forges = client.get("/me/integrations").await?;
    let is_it = |forge: &&Value| {
        let url = forge["web_url"].as_str().unwrap_or_default();
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        forge["forge"] == wanted || forge["name"] == wanted || url == wanted || host == wanted
    };
    let found: Vec<&Value> = items(&forges).iter().filter(is_it).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!("there is no forge `{wanted}`\n  mend: `hearth link list` shows their names"),
        _ => bail!(
            "several forges are called `{wanted}`\n  mend: give the id; `hearth link list --json` shows it"
        ),
    }
}

fn row(forge: &Value) -> [String; 5] {
    let link = &forge["link"];
    let scopes: Vec<&str> =
        link["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let state = if link.is_null() { "not linked".to_owned() } else { text(&link["state"]).replace('_', " ") };
    [
        text(&forge["name"]),
        text(&link["login"]),
        state,
        if scopes.is_empty() { "–".into() } else { scopes.join(" ") },
        text(&link["ssh_key"]["state"]).replace('_', " "),
    ]
}
