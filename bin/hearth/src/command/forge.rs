//! `hearth forge`: register Git hosting instances and identity providers, and try them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Map, Value, json};

use super::{items, segment, text};
use crate::cli::{ForgeCommand, ForgeSettings, Global};
use crate::client::Client;
use crate::terminal;

/// Lists, registers, changes, tries and removes forges.
pub async fn forge(client: &Client, global: &Global, command: ForgeCommand) -> Result<u8> {
    match command {
        ForgeCommand::List { team } => {
            let query = team.map(|team| format!("?team={}", segment(&team))).unwrap_or_default();
            let forges = client.get(&format!("/forges{query}")).await?;
            if global.json {
                return terminal::show(global, &forges, |_| String::new());
            }
            if items(&forges).is_empty() {
                terminal::note("no forges yet; register one with `hearth forge add gitlab https://…`");
                return Ok(0);
            }
            let rows: Vec<_> = items(&forges).iter().map(row).collect();
            terminal::table(["NAME", "KIND", "STATE", "ADDRESS", "LINKS", "ID"], &rows);
            Ok(0)
        }
        ForgeCommand::Show { forge } => {
            let forge = find(client, &forge).await?;
            terminal::show(global, &forge, facts)
        }
        ForgeCommand::Add { kind, url, team, settings } => {
            let mut wish = document(settings)?;
            wish.insert("kind".into(), json!(kind));
            set(&mut wish, "web_url", url);
            set(&mut wish, "team", team);
            let forge = client.call(Method::POST, "/forges", Some(&Value::Object(wish))).await?;
            terminal::show(global, &forge, |forge| format!("{}\n\n{}", facts(forge), next_step(forge)))
        }
        ForgeCommand::Update { forge, url, settings } => {
            let id = id(&find(client, &forge).await?)?;
            let mut wish = document(settings)?;
            set(&mut wish, "web_url", url);
            let path = format!("/forges/{id}");
            let forge = client.call(Method::PATCH, &path, Some(&Value::Object(wish))).await?;
            terminal::show(global, &forge, facts)
        }
        ForgeCommand::Check { forge, trust_host_keys } => {
            let forge = find(client, &forge).await?;
            check(client, global, &forge, trust_host_keys).await
        }
        ForgeCommand::Remove { forge, force } => {
            let forge = find(client, &forge).await?;
            let query = if force { "?force=true" } else { "" };
            client.call(Method::DELETE, &format!("/forges/{}{query}", id(&forge)?), None).await?;
            terminal::show(global, &json!({ "removed": forge["id"] }), |_| {
                format!("{} is removed", text(&forge["name"]))
            })
        }
    }
}

/// Finds a forge that the caller administers by id, name or host.
async fn find(client: &Client, wanted: &str) -> Result<Value> {
    if wanted.starts_with("forge_") {
        return client.get(&format!("/forges/{wanted}")).await;
    }
    let forges = client.get("/forges").await?;
    let is_it = |forge: &&Value| {
        let url = forge["web_url"].as_str().unwrap_or_default();
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        forge["name"] == wanted || url == wanted || host == wanted
    };
    let found: Vec<&Value> = items(&forges).iter().filter(is_it).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!("there is no forge `{wanted}`\n  mend: `hearth forge list` shows their names"),
        _ => bail!("several forges are called `{wanted}`\n  mend: give the id; `hearth forge list` shows it"),
    }
}

fn id(forge: &Value) -> Result<String> {
    let id = forge["id"].as_str().context("the server's answer has no id")?;
    Ok(id.to_owned())
}

fn row(forge: &Value) -> [String; 6] {
    ["name", "kind_title", "state", "web_url", "links", "id"].map(|key| text(&forge[key]))
}

fn facts(forge: &Value) -> String {
    let mut lines = vec![format!("{}  {}", text(&forge["name"]), text(&forge["id"]))];
    let shown = [
        ("kind", "kind_title"),
        ("address", "web_url"),
        ("state", "state"),
        ("fault", "fault"),
        ("version", "version"),
        ("redirect URI", "redirect_uri"),
        ("client id", "client_id"),
        ("register at", "register_url"),
        ("public key", "public_key"),
    ];
    for (name, key) in shown {
        if forge[key].as_str().is_some_and(|value| !value.is_empty()) {
            lines.push(format!("  {name:14} {}", text(&forge[key])));
        }
    }
    let scopes: Vec<&str> =
        forge["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !scopes.is_empty() {
        lines.push(format!("  {:14} {}", "scopes", scopes.join(" ")));
    }
    for lack in forge["lacks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("  {:14} {lack}", "lacks"));
    }
    lines.join("\n")
}

fn next_step(forge: &Value) -> String {
    if forge["auth_method"] == "personal_token" {
        return "People link it with a personal access token: `hearth link add … --token-stdin`.".into();
    }
    format!(
        "Next: register an application at the forge with exactly this redirect URI and these scopes, then\n  \
         hearth forge update {} --client-id … --client-secret-file …\n  hearth forge check {0}",
        text(&forge["id"])
    )
}

async fn check(client: &Client, global: &Global, forge: &Value, trust: bool) -> Result<u8> {
    let id = id(forge)?;
    let check = client.call(Method::POST, &format!("/forges/{id}/check"), None).await?;
    if trust {
        let mut ssh = forge["ssh"].clone();
        if ssh.is_null() {
            bail!("this forge has no SSH address\n  mend: `hearth forge update {id} --ssh HOST`");
        }
        ssh["host_keys"] = check["host_keys"].clone();
        client.call(Method::PATCH, &format!("/forges/{id}"), Some(&json!({ "ssh": ssh }))).await?;
    }
    let is_ok = check["ok"] == true;
    terminal::show(global, &check, |check| {
        let steps = check["steps"].as_array().into_iter().flatten();
        steps.map(step).collect::<Vec<_>>().join("\n")
    })?;
    Ok(u8::from(!is_ok))
}

fn step(step: &Value) -> String {
    let mark = match step["outcome"].as_str() {
        Some("ok") => "✓",
        Some("failed") => "✗",
        Some("warning") => "!",
        _ => "–",
    };
    let mut line = format!("{mark} {:12} {}", text(&step["name"]), text(&step["detail"]));
    if let Some(mend) = step["mend"].as_str().filter(|mend| !mend.is_empty()) {
        line = format!("{line}\n  mend: {mend}");
    }
    line
}

/// The settings as the API takes them, files read.
fn document(settings: ForgeSettings) -> Result<Map<String, Value>> {
    let mut wish = Map::new();
    set(&mut wish, "name", settings.name);
    set(&mut wish, "api_url", settings.api_url);
    set(&mut wish, "git_url", settings.git_url);
    set(&mut wish, "auth_method", settings.auth);
    set(&mut wish, "client_id", settings.client_id);
    set(&mut wish, "redirect", settings.redirect);
    set(&mut wish, "proxy", settings.proxy);
    set(&mut wish, "client_secret", settings.client_secret_file.as_deref().map(read).transpose()?);
    set(&mut wish, "ca_pem", settings.ca_file.as_deref().map(read).transpose()?);
    let certificate = settings.client_certificate_file.as_deref().map(read).transpose()?;
    set(&mut wish, "client_certificate", certificate);
    set(&mut wish, "client_key", settings.client_key_file.as_deref().map(read).transpose()?);
    if !settings.scopes.is_empty() {
        wish.insert("scopes".into(), json!(settings.scopes));
    }
    if let Some(sign_in) = settings.sign_in {
        wish.insert("sign_in".into(), json!(sign_in));
    }
    if let Some(ssh) = settings.ssh {
        let (user, rest) = ssh.split_once('@').unwrap_or(("git", &ssh));
        let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) {
            Some((host, port)) => (host, port.parse::<u16>()?),
            None => (rest, 22),
        };
        wish.insert("ssh".into(), json!({ "host": host, "port": port, "user": user }));
    }
    match settings.sign_up.as_deref() {
        None => {}
        Some(word @ ("closed" | "open")) => set(&mut wish, "sign_up", Some(word.to_owned())),
        Some(domains) => {
            let domains: Vec<&str> =
                domains.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
            set(&mut wish, "sign_up", Some("domains".into()));
            wish.insert("sign_up_domains".into(), json!(domains));
        }
    }
    Ok(wish)
}

fn set(wish: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        wish.insert(key.into(), json!(value));
    }
}

fn read(file: &Path) -> Result<String> {
    if file.as_os_str() == "-" {
        return terminal::read_secret("the secret");
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
