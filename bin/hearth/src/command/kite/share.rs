//! `hearth kite share`, `unshare` and `shares`: also of what is not there now, such as a stopped workspace.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use domain::ShareSubject;
use http::Method;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::command::{items, listed, segment, text};
use crate::terminal;

/// Lets somebody call a kite of the caller's.
pub(super) async fn share(client: &Client, global: &Global, kite: &str, user: &str) -> Result<u8> {
    let path = path(&subject(client, kite).await?, Some(user));
    let share = client.call(Method::PUT, &path, None).await?;
    terminal::show(global, &share, |_| format!("{user} may call {kite}"))
}

/// Takes that back.
pub(super) async fn unshare(client: &Client, global: &Global, kite: &str, user: &str) -> Result<u8> {
    let path = path(&subject(client, kite).await?, Some(user));
    client.call(Method::DELETE, &path, None).await?;
    terminal::show(global, &json!({ "unshared": user }), |_| format!("{user} may call {kite} no more"))
}

/// Lists whom it is shared with.
pub(super) async fn shares(client: &Client, global: &Global, kite: &str) -> Result<u8> {
    let shares = client.get(&path(&subject(client, kite).await?, None)).await?;
    listed(global, &shares, ["NAME", "SINCE"], |share| [text(&share["user"]["name"]), text(&share["since"])])
}

/// What the caller means, as the server takes it: `ws_…`, `environment/name`, or the id of a registered kite.
/// Only the caller's own is found by name, since nobody else shares it.
async fn subject(client: &Client, wanted: &str) -> Result<String> {
    if wanted.parse::<ShareSubject>().is_ok() {
        return Ok(wanted.to_owned());
    }
    let kites = client.get("/kites").await?;
    if items(&kites).iter().any(|kite| kite["id"] == wanted) {
        return Ok(wanted.to_owned());
    }
    let me = client.get("/me").await?;
    if let Some(workspace) = workspace(client, &me["id"], wanted).await? {
        return Ok(workspace);
    }
    let services = services(&kites, &me["id"], wanted);
    let mut found = services.iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => bail!(
            "you have no workspace and no registered service `{wanted}`\n  mend: name a service that is away by \
             environment and name, such as `production/{wanted}`; `hearth list` and `hearth kite list` show \
             the rest"
        ),
        _ => {
            let all: Vec<_> = services.iter().map(String::as_str).collect();
            bail!("`{wanted}` means {} services\n  mend: name one: {}", all.len(), all.join(", "))
        }
    }
}

/// The id of somebody's workspace of this name. An administrator's list holds those of others too.
async fn workspace(client: &Client, owner: &Value, name: &str) -> Result<Option<String>> {
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/workspaces?limit=100{cursor}")).await?;
        let found = items(&page).iter().find(|item| item["name"] == name && item["owner"]["id"] == *owner);
        if let Some(found) = found {
            return Ok(found["id"].as_str().map(str::to_owned));
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&after={next}"),
            None => return Ok(None),
        }
    }
}

/// Somebody's registered services of this name, as `environment/name`: several kites are one service.
fn services(kites: &Value, owner: &Value, name: &str) -> BTreeSet<String> {
    let is_meant =
        |kite: &&Value| kite["name"] == name && kite["workspace"].is_null() && kite["owner"]["id"] == *owner;
    let found = items(kites).iter().filter(is_meant);
    found.map(|kite| format!("{}/{name}", kite["environment"].as_str().unwrap_or_default())).collect()
}

fn path(subject: &str, user: Option<&str>) -> String {
    let shares = format!("/kites/{}/shares", segment(subject));
    user.map_or_else(|| shares.clone(), |user| format!("{shares}/{}", segment(user)))
}
