//! `hearth team`: tenants, who belongs to them, and their secrets.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::{listed, segment, text};
use crate::cli::{Global, SecretCommand, TeamCommand};
use crate::client::Client;
use crate::terminal;

/// Everything about teams.
pub async fn team(client: &Client, global: &Global, command: TeamCommand) -> Result<u8> {
    match command {
        TeamCommand::List => {
            let teams = client.get("/teams").await?;
            listed(global, &teams, ["ADDRESS", "NAME", "ROLE", "MEMBERS"], |team| {
                ["slug", "name", "role", "members"].map(|key| text(&team[key]))
            })
        }
        TeamCommand::Show { team } => {
            let team = client.get(&path(&team, "")).await?;
            terminal::show(global, &team, facts)
        }
        TeamCommand::Create { slug, name } => {
            let team =
                client.call(Method::POST, "/teams", Some(&json!({ "slug": slug, "name": name }))).await?;
            terminal::show(global, &team, facts)
        }
        TeamCommand::Update { team, change } => {
            let wish = json!({ "slug": change.slug, "name": change.name, "rootfs": change.rootfs });
            let team = client.call(Method::PATCH, &path(&team, ""), Some(&wish)).await?;
            terminal::show(global, &team, facts)
        }
        TeamCommand::Delete { team } => {
            client.call(Method::DELETE, &path(&team, ""), None).await?;
            terminal::show(global, &json!({ "deleted": team }), |_| format!("{team} is deleted"))
        }
        TeamCommand::Members { team } => {
            let members = client.get(&path(&team, "/members")).await?;
            listed(global, &members, ["NAME", "ROLE", "SINCE"], |member| {
                [text(&member["user"]["name"]), text(&member["role"]), text(&member["since"])]
            })
        }
        TeamCommand::Add { team, user, role } => {
            let path = path(&team, &format!("/members/{}", segment(&user)));
            let member = client.call(Method::PUT, &path, Some(&json!({ "role": role }))).await?;
            terminal::show(global, &member, |_| format!("{user} is {role} of {team}"))
        }
        TeamCommand::Remove { team, user } => {
            let path = path(&team, &format!("/members/{}", segment(&user)));
            client.call(Method::DELETE, &path, None).await?;
            terminal::show(global, &json!({ "removed": user }), |_| format!("{user} has left {team}"))
        }
        TeamCommand::Invite { team, role, note, days } => {
            let wish = json!({ "role": role, "note": note, "expires_in_days": days });
            let made = client.call(Method::POST, &path(&team, "/invitations"), Some(&wish)).await?;
            terminal::show(global, &made, |made| text(&made["url"]))
        }
        TeamCommand::Secret(command) => secret(client, global, command).await,
    }
}

async fn secret(client: &Client, global: &Global, command: SecretCommand) -> Result<u8> {
    match command {
        SecretCommand::List { team } => {
            let secrets = client.get(&path(&team, "/secrets")).await?;
            listed(global, &secrets, ["NAME", "CHANGED"], |secret| {
                [text(&secret["name"]), text(&secret["updated_at"])]
            })
        }
        SecretCommand::Set { team, name } => {
            let value = terminal::read_secret("the value")?;
            let path = path(&team, &format!("/secrets/{}", segment(&name)));
            client.call(Method::PUT, &path, Some(&json!({ "value": value }))).await?;
            terminal::show(global, &json!({ "set": name }), |_| format!("{name} is set"))
        }
        SecretCommand::Remove { team, name } => {
            let path = path(&team, &format!("/secrets/{}", segment(&name)));
            client.call(Method::DELETE, &path, None).await?;
            terminal::show(global, &json!({ "removed": name }), |_| format!("{name} is removed"))
        }
    }
}

fn path(team: &str, rest: &str) -> String {
    format!("/teams/{}{rest}", segment(team))
}

fn facts(team: &Value) -> String {
    let shown = [("address", "url"), ("role", "role"), ("members", "members"), ("rootfs", "rootfs")];
    let mut lines = vec![format!("{}  {}", text(&team["name"]), text(&team["id"]))];
    lines.extend(shown.map(|(name, key)| format!("  {name:10} {}", text(&team[key]))));
    lines.join("\n")
}
