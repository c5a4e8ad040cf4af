//! `hearth context`: what the URL of a page means.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::text;
use crate::cli::Global;
use crate::client::Client;
use crate::terminal;

/// Asks the server what `url` means and prints it, one fact a line.
pub async fn context(client: &Client, global: &Global, url: &str) -> Result<u8> {
    let context = client.call(Method::POST, "/contexts", Some(&json!({ "url": url }))).await?;
    if !global.json {
        for warning in context["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            terminal::note(&format!("note: {warning}"));
        }
        let options = &context["options"];
        for refused in options["refused_variables"].as_array().into_iter().flatten() {
            terminal::note(&format!(
                "note: {} is left out: {}",
                text(&refused["name"]),
                text(&refused["why"])
            ));
        }
        for variable in options["variables"].as_array().into_iter().flatten() {
            let (name, value) = (text(&variable["name"]), text(&variable["value"]));
            terminal::note(&format!(
                "note: it wants to set {name}={value}; `hearth start --confirm {name} …` lets it"
            ));
        }
    }
    terminal::show(global, &context, |context| {
        let facts = [
            ("title", &context["title"]),
            ("repository", &context["clone_url"]),
            (context["ref_kind"].as_str().unwrap_or("ref"), &context["ref"]),
            ("revision", &context["revision"]),
            ("path", &context["path"]),
            ("merge request", &context["merge_request"]["title"]),
            ("into", &context["base"]["ref"]),
            ("issue", &context["issue"]["title"]),
            ("new branch", &context["local_branch"]),
            ("upstream", &context["upstream_url"]),
        ];
        let line = |(name, value): (&str, &Value)| value.as_str().map(|value| format!("{name:14} {value}"));
        facts.into_iter().filter_map(line).collect::<Vec<_>>().join("\n")
    })
}
