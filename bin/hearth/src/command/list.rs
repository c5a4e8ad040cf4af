//! `hearth list`: a table of workspaces.

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::terminal;

/// Prints every workspace of the caller, newest first.
pub async fn list(client: &Client, global: &Global) -> Result<u8> {
    let mut items = vec![];
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/workspaces?limit=100{cursor}")).await?;
        items.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&after={next}"),
            None => break,
        }
    }
    if global.json {
        return terminal::show(global, &json!({ "items": items }), |_| String::new());
    }
    if items.is_empty() {
        terminal::note("no workspaces yet; make one with `hearth start https://…`");
        return Ok(0);
    }
    let rows: Vec<[String; 4]> = items.iter().map(row).collect();
    terminal::table(["NAME", "STATE", "REPOSITORY", "ID"], &rows);
    Ok(0)
}

fn row(workspace: &Value) -> [String; 4] {
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let source = &workspace["source"];
    let repository = match source["ref"].as_str() {
        Some(reference) => format!("{} @ {reference}", text(&source["repository"])),
        None => text(&source["repository"]),
    };
    [text(&workspace["name"]), text(&workspace["phase"]), repository, text(&workspace["id"])]
}
