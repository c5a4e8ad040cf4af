//! `hearth admin`: keys and settings of the platform.

use std::time::Duration;

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::{listed, text};
use crate::cli::{AdminCommand, Global, KeysCommand, RegistryKeyCommand, SettingsCommand};
use crate::client::Client;
use crate::terminal;

/// What only administrators do.
pub async fn admin(client: &Client, global: &Global, command: AdminCommand) -> Result<u8> {
    match command {
        AdminCommand::Keys(KeysCommand::Status) => {
            let status = client.get("/admin/keys").await?;
            terminal::show(global, &status, keys)
        }
        AdminCommand::Keys(KeysCommand::Rotate { level, no_wait }) => {
            let begun =
                client.call(Method::POST, "/admin/keys/rotate", Some(&json!({ "level": level }))).await?;
            let status = if no_wait { begun } else { until_done(client, global, begun).await? };
            terminal::show(global, &status, keys)
        }
        AdminCommand::RegistryKey(RegistryKeyCommand::List) => {
            let keys = client.get("/admin/registry-keys").await?;
            let fields = ["id", "created_at", "retired_at"];
            listed(global, &keys, ["ID", "SINCE", "RETIRED"], |key| fields.map(|field| text(&key[field])))
        }
        AdminCommand::RegistryKey(RegistryKeyCommand::Rotate { revoke_older }) => {
            let wish = json!({ "revoke_older": revoke_older });
            let keys = client.call(Method::POST, "/admin/registry-keys", Some(&wish)).await?;
            terminal::show(global, &keys, |keys| {
                format!("the registry signs with {}", text(&keys["items"][0]["id"]))
            })
        }
        AdminCommand::Settings(SettingsCommand::Show) => {
            let settings = client.get("/admin/settings").await?;
            terminal::show(global, &settings, facts)
        }
        AdminCommand::Settings(SettingsCommand::Set {
            ssh_algorithm,
            password_sign_in,
            make_teams,
            default_team,
        }) => {
            let mut settings = client.get("/admin/settings").await?;
            let given = [
                ("ssh_algorithm", ssh_algorithm.map(Value::from)),
                ("password_sign_in", password_sign_in.map(Value::from)),
                ("make_teams", make_teams.map(Value::from)),
                ("default_team", default_team.map(Value::from)),
            ];
            for (key, value) in given {
                if let Some(value) = value {
                    settings[key] = value;
                }
            }
            let settings = client.call(Method::PUT, "/admin/settings", Some(&settings)).await?;
            terminal::show(global, &settings, facts)
        }
    }
}

async fn until_done(client: &Client, global: &Global, mut status: Value) -> Result<Value> {
    while !status["rotation"].is_null() {
        if !global.json && terminal::is_interactive() {
            let rotation = &status["rotation"];
            terminal::note(&format!("{} of {}", text(&rotation["done"]), text(&rotation["total"])));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        status = client.get("/admin/keys").await?;
    }
    Ok(status)
}

fn keys(status: &Value) -> String {
    let mut lines = vec![
        format!(
            "platform key     {}, version {}",
            text(&status["platform_key"]),
            text(&status["platform_key_version"])
        ),
        format!(
            "data keys        {} ({} wrapped by an older version, {} retired)",
            text(&status["data_keys"]),
            text(&status["wrapped_by_older"]),
            text(&status["retired"])
        ),
        format!(
            "sealed secrets   {} ({} by a retired key)",
            text(&status["secrets"]),
            text(&status["sealed_by_retired"])
        ),
    ];
    if let Some(problem) = status["problem"].as_str() {
        lines.push(format!("problem          {problem}"));
    }
    let rotation = &status["rotation"];
    if !rotation.is_null() {
        let progress = format!("{} of {}", text(&rotation["done"]), text(&rotation["total"]));
        lines.push(format!("rotation         {} keys, {progress}", text(&rotation["level"])));
    }
    lines.join("\n")
}

fn facts(settings: &Value) -> String {
    let keys = ["ssh_algorithm", "password_sign_in", "make_teams", "default_team"];
    keys.map(|key| format!("{:18} {}", key.replace('_', " "), text(&settings[key]))).join("\n")
}
