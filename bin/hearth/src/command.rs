//! The user's commands, one file each where there is more to it than one call.
#![expect(clippy::indexing_slicing, reason = "a JSON document answers null for a name it lacks")]

mod admin;
mod context;
mod doctor;
mod exec;
mod forge;
mod image;
mod kite;
mod link;
mod list;
mod login;
mod logs;
mod ssh_key;
mod start;
mod team;

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::Value;

use crate::cli::{Command, ConfigCommand, Global};
use crate::client::{Client, Endpoint};
use crate::config;
use crate::terminal;

/// Runs a command that talks to a server, or needs none. Answers the exit code.
pub async fn run(global: &Global, command: Command) -> Result<u8> {
    match command {
        Command::Up(_) | Command::Serve(_) => bail!("the server is started elsewhere"),
        Command::Login { url } => login::login(&url, global).await,
        Command::Start(options) => start::start(&Client::for_options(global)?, global, options).await,
        Command::List => list::list(&Client::for_options(global)?, global).await,
        Command::Open { workspace } => open(global, &workspace).await,
        Command::Exec(options) => exec::exec(&Client::for_options(global)?, global, options).await,
        Command::Logs { workspace, follow } => {
            logs::logs(&Client::for_options(global)?, global, &workspace, follow).await
        }
        Command::Stop { workspace } => change(global, &workspace, "/stop", &["stopped"]).await,
        Command::Fork { workspace } => fork(global, &workspace).await,
        Command::Delete { workspace } => delete(global, &workspace).await,
        Command::Context { url } => context::context(&Client::for_options(global)?, global, &url).await,
        Command::Forge(wanted) => forge::forge(&Client::for_options(global)?, global, *wanted).await,
        Command::Link(wanted) => link::link(&Client::for_options(global)?, global, wanted).await,
        Command::SshKey(wanted) => ssh_key::ssh_key(&Client::for_options(global)?, global, wanted).await,
        Command::Team(wanted) => team::team(&Client::for_options(global)?, global, wanted).await,
        Command::Kite(wanted) => kite::kite(&Client::for_options(global)?, global, *wanted).await,
        Command::Admin(wanted) => admin::admin(&Client::for_options(global)?, global, wanted).await,
        Command::Image(wanted) => image::image(&Client::for_options(global)?, global, wanted).await,
        Command::Config(ConfigCommand::Default) => {
            terminal::print(config::DEFAULT);
            Ok(0)
        }
        Command::Config(ConfigCommand::Check { config }) => check_config(global, config),
        Command::Doctor => doctor::doctor(global).await,
        Command::Openapi => {
            terminal::print(&web::openapi().to_pretty_json()?);
            Ok(0)
        }
    }
}

/// Finds a workspace by id or name.
pub async fn find(client: &Client, text: &str) -> Result<Value> {
    if text.starts_with("ws_") {
        return client.get(&format!("/workspaces/{text}")).await;
    }
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/workspaces?limit=100{cursor}")).await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        if let Some(found) = items.into_iter().find(|item| item["name"] == text) {
            return Ok(found);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&after={next}"),
            None => bail!("you have no workspace `{text}`\n  mend: `hearth list` shows their names"),
        }
    }
}

/// The items of a list.
pub fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Shows a list: a table for people, the document as it is with `--json`.
pub fn listed<const N: usize>(
    global: &Global,
    page: &Value,
    headings: [&str; N],
    row: impl Fn(&Value) -> [String; N],
) -> Result<u8> {
    if global.json {
        return terminal::show(global, page, |_| String::new());
    }
    terminal::table(headings, &items(page).iter().map(row).collect::<Vec<_>>());
    Ok(0)
}

/// A field as text; a dash where there is none.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        _ => "–".into(),
    }
}

/// Text as one segment of a path.
pub fn segment(text: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

/// The id of a workspace document.
pub fn id(workspace: &Value) -> Result<&str> {
    workspace["id"].as_str().context("the server's answer has no id; client and server differ in version")
}

/// Waits until the workspace is in one of `phases`, or has failed.
pub async fn wait_for(client: &Client, id: &str, phases: &[&str]) -> Result<Value> {
    loop {
        let workspace = client.get(&format!("/workspaces/{id}")).await?;
        let phase = workspace["phase"].as_str().unwrap_or_default();
        if phases.contains(&phase) || phase == "failed" {
            return Ok(workspace);
        }
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    }
}

async fn change(global: &Global, workspace: &str, action: &str, phases: &[&str]) -> Result<u8> {
    let client = Client::for_options(global)?;
    let found = find(&client, workspace).await?;
    client.call(Method::POST, &format!("/workspaces/{}{action}", id(&found)?), None).await?;
    let workspace = wait_for(&client, id(&found)?, phases).await?;
    terminal::show(global, &workspace, |workspace| {
        format!(
            "{} is {}",
            workspace["name"].as_str().unwrap_or_default(),
            workspace["phase"].as_str().unwrap_or_default()
        )
    })
}

async fn fork(global: &Global, workspace: &str) -> Result<u8> {
    let client = Client::for_options(global)?;
    let found = find(&client, workspace).await?;
    let copy = client.call(Method::POST, &format!("/workspaces/{}/fork", id(&found)?), None).await?;
    terminal::show(global, &copy, |copy| {
        format!("{}  {}", copy["id"].as_str().unwrap_or_default(), copy["name"].as_str().unwrap_or_default())
    })
}

async fn delete(global: &Global, workspace: &str) -> Result<u8> {
    let client = Client::for_options(global)?;
    let found = find(&client, workspace).await?;
    let id = id(&found)?;
    client.call(Method::DELETE, &format!("/workspaces/{id}"), None).await?;
    loop {
        match client.get(&format!("/workspaces/{id}")).await {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(40)).await,
            Err(error) => match error.downcast_ref::<crate::client::Refused>() {
                Some(refused) if refused.status == 404 => break,
                _ => return Err(error),
            },
        }
    }
    let gone = serde_json::json!({"id": id, "name": found["name"], "phase": "deleted"});
    terminal::show(global, &gone, |gone| format!("{} is deleted", gone["name"].as_str().unwrap_or_default()))
}

async fn open(global: &Global, workspace: &str) -> Result<u8> {
    let client = Client::for_options(global)?;
    let found = find(&client, workspace).await?;
    let base = match client.endpoint() {
        Endpoint::Remote { url, .. } => url.to_string(),
        Endpoint::Local(_) => {
            let version = client.get("/version").await?;
            version["public_url"].as_str().context("the server does not say its address")?.to_owned()
        }
    };
    let address = format!("{}/w/{}", base.trim_end_matches('/'), id(&found)?);
    if terminal::is_interactive()
        && std::env::var_os("DISPLAY").or(std::env::var_os("WAYLAND_DISPLAY")).is_some()
    {
        // A browser that cannot be started is no failure: the address is printed either way.
        let started = std::process::Command::new("xdg-open").arg(&address).spawn();
        drop(started);
    }
    terminal::show(global, &serde_json::json!({ "url": address }), |_| address.clone())
}

fn check_config(global: &Global, named: Option<std::path::PathBuf>) -> Result<u8> {
    let data = global.data.clone().unwrap_or_else(config::default_data_folder);
    let file = config::find_file(named, &data);
    let shown = file.as_ref().map_or("the defaults".to_owned(), |path| format!("`{}`", path.display()));
    match config::Config::load(file.as_deref(), std::env::vars(), &[]) {
        Ok(_) => terminal::show(global, &serde_json::json!({"problems": []}), |_| {
            format!("{shown}: no problem found")
        }),
        Err(config::Problems(problems)) => {
            terminal::show(global, &serde_json::json!({ "problems": problems }), |_| {
                format!("{shown}: {} problem(s)\n  {}", problems.len(), problems.join("\n  "))
            })?;
            Ok(1)
        }
    }
}
