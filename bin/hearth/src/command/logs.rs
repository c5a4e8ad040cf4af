//! `hearth logs`: what happened in a workspace's starts.

use anyhow::Result;
use futures_util::StreamExt;
use http::Method;
use serde_json::{Value, json};

use super::{find, id};
use crate::cli::Global;
use crate::client::Client;
use crate::terminal;

/// Prints the log, and with `follow` what comes after.
pub async fn logs(client: &Client, global: &Global, workspace: &str, follow: bool) -> Result<u8> {
    let found = find(client, workspace).await?;
    let path = format!("/workspaces/{}/log", id(&found)?);
    if !follow {
        let answer = client.get(&format!("{path}?follow=false")).await?;
        let lines = answer.as_array().or(answer["items"].as_array()).cloned().unwrap_or_default();
        if global.json {
            return terminal::show(global, &json!({ "items": lines }), |_| String::new());
        }
        for line in &lines {
            show(global, line);
        }
        return Ok(0);
    }
    let mut body = client.send(Method::GET, &path, None).await?.bytes_stream();
    let mut pending = vec![];
    while let Some(chunk) = body.next().await {
        pending.extend_from_slice(&chunk?);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(data) = line.strip_prefix("data:")
                && let Ok(line) = serde_json::from_str::<Value>(data.trim())
            {
                show(global, &line);
            }
        }
    }
    Ok(0)
}

fn show(global: &Global, line: &Value) {
    if global.json {
        terminal::print(&line.to_string());
        return;
    }
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    terminal::print(&format!("{}  {:8} {}", text("time"), text("step"), text("text")));
}
