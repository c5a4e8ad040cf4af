//! `hearth exec`: one command in a workspace, with its input, output and exit code.

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

use super::{find, id};
use crate::cli::{Exec, Global};
use crate::client::Client;
use crate::socket;
use crate::terminal;

/// First byte of a binary message that carries standard output.
const STDOUT: u8 = 1;

/// Runs the command and streams both ways. With `--json` output is collected into one document.
pub async fn exec(client: &Client, global: &Global, options: Exec) -> Result<u8> {
    let found = find(client, &options.workspace).await?;
    let mut env = serde_json::Map::new();
    for pair in &options.env {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("`{pair}` is not of the form NAME=value"))?;
        env.insert(name.to_owned(), value.into());
    }
    let request = json!({
        "command": options.command,
        "env": env,
        "folder": options.folder,
        "timeout_s": options.timeout,
    });
    let path = format!("/workspaces/{}/exec", id(&found)?);
    if global.json {
        let result = client.call(http::Method::POST, &path, Some(&request)).await?;
        terminal::print(&result.to_string());
        return Ok(exit_code(&result));
    }
    let (mut to, mut from) = socket::open(client.endpoint(), &path).await?.split();
    to.send(Message::text(request.to_string())).await?;
    let input = tokio::spawn(async move {
        let mut stdin = tokio::io::stdin();
        let mut buffer = vec![0; 32 << 10];
        while let Ok(count) = stdin.read(&mut buffer).await {
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            to.send(Message::binary(bytes.to_vec())).await?;
        }
        to.send(Message::text(r#"{"type":"eof"}"#)).await?;
        // The connection stays open until the command has ended.
        std::future::pending::<()>().await;
        anyhow::Ok(())
    });
    let mut exit = None;
    while let Some(message) = from.next().await {
        match message.context("the connection to the server broke; the command may still run")? {
            Message::Binary(bytes) => match bytes.split_first() {
                Some((&STDOUT, output)) => terminal::print_bytes(output),
                Some((_, output)) => terminal::note_bytes(output),
                None => {}
            },
            Message::Text(text) => {
                exit = Some(serde_json::from_str::<Value>(&text).context("unreadable answer")?);
                break;
            }
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    input.abort();
    let Some(exit) = exit else { bail!("the connection ended before the command did") };
    if let Some(problem) = exit["problem"].as_str() {
        terminal::note(problem);
    }
    if exit["timed_out"] == true {
        terminal::note("the command was ended: its time was up");
    }
    Ok(exit_code(&exit))
}

fn exit_code(document: &Value) -> u8 {
    document["exit_code"].as_i64().and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}
