//! `hearth start`: a workspace from a URL, with its steps shown as they happen.

use std::time::Duration;

use anyhow::Result;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{find, id};
use crate::cli::{Global, Start};
use crate::client::Client;
use crate::terminal;

/// Starts, waits until the workspace is ready, prints it. Exit code 1 when the start failed.
pub async fn start(client: &Client, global: &Global, options: Start) -> Result<u8> {
    let workspace = match &options.what {
        Some(what) if !what.contains([':', '/']) => {
            let found = find(client, what).await?;
            client.call(Method::POST, &format!("/workspaces/{}/start", id(&found)?), None).await?
        }
        url => {
            let wanted = json!({
                "url": url,
                "ref": options.reference,
                "name": options.name,
                "rootfs": options.rootfs,
                "team": options.team,
                "confirmed_variables": options.confirmed,
            });
            client.call(Method::POST, "/workspaces", Some(&wanted)).await?
        }
    };
    let workspace = if options.no_wait { workspace } else { watch(client, global, workspace).await? };
    if workspace["phase"] == "failed" {
        let text = |key: &str| workspace["failure"][key].as_str().unwrap_or_default().to_owned();
        if global.json {
            terminal::print(&workspace.to_string());
        }
        terminal::note(&format!("error: {}\n  mend: {}", text("reason"), text("mend")));
        return Ok(1);
    }
    terminal::show(global, &workspace, |workspace| {
        let text = |key: &str| workspace[key].as_str().unwrap_or_default().to_owned();
        format!("{}  {} is {} in {}", text("id"), text("name"), text("phase"), text("folder"))
    })
}

/// Shows the steps until the workspace rests: one moving line on a terminal, plain lines otherwise.
async fn watch(client: &Client, global: &Global, mut workspace: Value) -> Result<Value> {
    let id = id(&workspace)?.to_owned();
    let bar = terminal::is_interactive().then(|| {
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner:.yellow} {msg}")
                .unwrap_or(ProgressStyle::default_spinner()),
        );
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    });
    let mut told = vec![];
    loop {
        for step in workspace["steps"].as_array().into_iter().flatten() {
            let text = |key: &str| step[key].as_str().unwrap_or_default();
            let (name, state) = (text("name").to_owned(), text("state").to_owned());
            if let (Some(bar), "running") = (&bar, state.as_str()) {
                bar.set_message(format!("{} {}", text("title"), text("detail")));
            }
            if matches!(state.as_str(), "done" | "failed") && !told.contains(&name) {
                let line = format!("{} {}", if state == "done" { "✓" } else { "✗" }, text("title"));
                match &bar {
                    Some(bar) => bar.println(line),
                    None if !global.json => terminal::note(&line),
                    None => {}
                }
                told.push(name);
            }
        }
        if matches!(workspace["phase"].as_str(), Some("running" | "failed" | "stopped")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        workspace = client.get(&format!("/workspaces/{id}")).await?;
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if !global.json {
        for notice in workspace["notices"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            terminal::note(&format!("note: {notice}"));
        }
    }
    Ok(workspace)
}
