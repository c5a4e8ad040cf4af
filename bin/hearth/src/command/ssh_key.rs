//! `hearth ssh-key`: one's key pair, whose private half never leaves the server.

use anyhow::Result;
use http::Method;
use serde_json::Value;

use super::text;
use crate::cli::{Global, SshKeyCommand};
use crate::client::Client;
use crate::terminal;

/// Shows, replaces and uploads the key.
pub async fn ssh_key(client: &Client, global: &Global, command: SshKeyCommand) -> Result<u8> {
    let key = match command {
        SshKeyCommand::Show => client.get("/me/ssh-key").await?,
        SshKeyCommand::Regenerate => client.call(Method::POST, "/me/ssh-key", None).await?,
        SshKeyCommand::Upload => client.call(Method::POST, "/me/ssh-key/uploads", None).await?,
    };
    if !global.json {
        terminal::note(&format!("{}  {}", text(&key["algorithm"]), text(&key["fingerprint"])));
        for upload in key["uploads"].as_array().into_iter().flatten() {
            let why = upload["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
            terminal::note(&format!("  {} {}{why}", text(&upload["name"]), text(&upload["state"])));
        }
    }
    terminal::show(global, &key, |key: &Value| text(&key["public_key"]))
}
