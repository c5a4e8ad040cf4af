//! `hearth image`: what workspaces can start from besides the machine itself.

use std::path::Path;

use anyhow::{Context, Result};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;

use crate::cli::{Global, ImageCommand};
use crate::client::Client;
use crate::terminal;

/// Lists, imports, pulls and removes images.
pub async fn image(client: &Client, global: &Global, command: ImageCommand) -> Result<u8> {
    match command {
        ImageCommand::List => {
            let images = client.get("/images").await?;
            terminal::show(global, &images, |images| {
                let lines: Vec<String> = images["items"].as_array().into_iter().flatten().map(line).collect();
                if lines.is_empty() {
                    "no images yet; workspaces start from `host`".into()
                } else {
                    lines.join("\n")
                }
            })
        }
        ImageCommand::Import { file, name } => {
            let image = import(client, &file, name.as_deref()).await?;
            terminal::show(global, &image, line)
        }
        ImageCommand::Pull { reference } => {
            let image =
                client.call(Method::POST, "/images", Some(&json!({ "reference": reference }))).await?;
            terminal::show(global, &image, line)
        }
        ImageCommand::Remove { image } => {
            let id = utf8_percent_encode(&image, NON_ALPHANUMERIC);
            client.call(Method::DELETE, &format!("/images/{id}"), None).await?;
            terminal::show(global, &json!({ "removed": image }), |_| format!("{image} is removed"))
        }
    }
}

async fn import(client: &Client, file: &Path, name: Option<&str>) -> Result<Value> {
    let path = match name {
        Some(name) => format!("/images?name={}", utf8_percent_encode(name, NON_ALPHANUMERIC)),
        None => "/images".into(),
    };
    if file.as_os_str() == "-" {
        return client.upload(&path, ReaderStream::new(tokio::io::stdin())).await;
    }
    let archive = tokio::fs::File::open(file).await;
    let archive = archive.with_context(|| format!("cannot read `{}`", file.display()))?;
    client.upload(&path, ReaderStream::with_capacity(archive, 256 << 10)).await
}

fn line(image: &Value) -> String {
    let names: Vec<&str> =
        image["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let megabytes = image["size_bytes"].as_u64().unwrap_or_default() >> 20;
    format!("{}  {megabytes} MB  {}", names.join(", "), image["id"].as_str().unwrap_or_default())
}
