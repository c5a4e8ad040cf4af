//! `hearth kite watch`: who comes and goes.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use futures_util::StreamExt;
use http::Method;
use serde_json::{Value, json};

use super::{items, list_path, text};
use crate::cli::{Global, KiteQuery};
use crate::client::Client;
use crate::terminal;

/// Prints those that are there, then every change, until interrupted.
pub(super) async fn watch(client: &Client, global: &Global, query: &KiteQuery) -> Result<u8> {
    // Listening first: what changes while the list is fetched comes twice rather than never.
    let mut news = client.send(Method::GET, "/kites/events", None).await?.bytes_stream();
    let path = list_path(query);
    let mut known = BTreeMap::new();
    compare(global, &mut known, &client.get(&path).await?);
    let mut pending = vec![];
    while let Some(chunk) = news.next().await {
        pending.extend_from_slice(&chunk?);
        let mut is_news = false;
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            is_news |= line.starts_with(b"data:");
        }
        if is_news {
            compare(global, &mut known, &client.get(&path).await?);
        }
    }
    bail!("the server has ended the connection\n  mend: watch again when it is back")
}

/// Tells what is in `page` and not in `known`, and the other way round; then they agree.
fn compare(global: &Global, known: &mut BTreeMap<String, Value>, page: &Value) {
    // One that registered anew is another one.
    let key = |kite: &Value| format!("{} {}", text(&kite["id"]), text(&kite["registered_at"]));
    let present: BTreeMap<_, _> = items(page).iter().map(|kite| (key(kite), kite.clone())).collect();
    for (_, kite) in known.iter().filter(|(key, _)| !present.contains_key(*key)) {
        tell(global, "DEREGISTER", kite);
    }
    for (_, kite) in present.iter().filter(|(key, _)| !known.contains_key(*key)) {
        tell(global, "REGISTER", kite);
    }
    *known = present;
}

fn tell(global: &Global, action: &str, kite: &Value) {
    if global.json {
        terminal::print(&json!({ "action": action, "kite": kite }).to_string());
        return;
    }
    let [id, owner, name, version, host] =
        ["id", "username", "name", "version", "hostname"].map(|field| text(&kite[field]));
    terminal::print(&format!("{action:10}  {id}  {owner}/{name} {version} on {host}"));
}
