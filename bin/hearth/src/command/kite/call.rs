//! `hearth kite call`: one method of a kite.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::Method;
use kite::client::{DialError, Dialer};
use kite::{Arguments, Authentication, Error, Function, Functions, Kite, Peer, Service};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{find, path};
use crate::cli::{Global, KiteCall};
use crate::client::{Client, Endpoint};
use crate::terminal;

/// How long connecting may take.
const DIAL_LIMIT: Duration = Duration::from_secs(15);

/// Calls it and prints what it answers.
pub(super) async fn call(client: &Client, global: &Global, options: KiteCall) -> Result<u8> {
    let found = find(client, &options.kite).await?;
    if found["may_call"] != true {
        bail!("you may see this kite and not call it\n  mend: ask its owner to share it with you");
    }
    let token = client.call(Method::POST, &path(&found, "/token"), None).await?;
    let url = token["url"].as_str().context("the server's answer has no address")?;
    let peer = dial(client, &found, url).await?;
    peer.set_authentication(token["token"].as_str().map(Authentication::token));

    let printed = Functions::new();
    let arguments: Vec<Argument> = options.arguments.iter().map(|text| read(text, &printed)).collect();
    let call = peer.request(&options.method).args(arguments).timeout(Duration::from_secs(options.timeout));
    let answered = call.send::<Value>().await;
    let answer = answered.map_err(|error| refused(&options.method, &error))?;
    terminal::show(global, &answer, |answer| format!("{answer:#}"))?;
    if options.follow {
        tokio::select! {
            () = peer.closed() => bail!("the connection to the kite has ended"),
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    peer.drain(Duration::from_secs(1)).await;
    Ok(0)
}

/// Connects: to an agent through the server that this client talks to, to everything else where it says.
async fn dial(client: &Client, found: &Value, url: &str) -> Result<Peer> {
    let dialer = match client.endpoint() {
        Endpoint::Local(socket) if !found["workspace"].is_null() => {
            let path = url::Url::parse(url)?.path().to_owned();
            Dialer::unix(socket, &path)?
        }
        _ => Dialer::new(url)?,
    };
    let dialled = dialer.timeout(DIAL_LIMIT).dial(&Service::client(ours()), kite::Context::default()).await;
    dialled.map_err(|error: DialError| {
        anyhow::Error::new(error).context(format!(
            "cannot reach the kite at `{url}`\n  mend: check that this machine can connect to that address"
        ))
    })
}

/// What this program says of itself. A kite goes by the token.
fn ours() -> Kite {
    let plain = |text: &str| text.to_owned();
    Kite {
        id: format!("hearth-cli-{}", std::process::id()),
        username: plain("hearth"),
        environment: plain("command-line"),
        name: plain("hearth-cli"),
        version: plain(env!("CARGO_PKG_VERSION")),
        region: plain("local"),
        hostname: plain("localhost"),
    }
}

fn refused(method: &str, error: &Error) -> anyhow::Error {
    let code = if error.code.is_empty() { String::new() } else { format!(" (code {})", error.code) };
    anyhow::anyhow!("`{method}` answered {}{code}: {}", error.kind, error.message)
}

/// An argument: JSON, text, and functions where it says `@name`.
enum Argument {
    Plain(Value),
    List(Vec<Argument>),
    Fields(Vec<(String, Argument)>),
    Function(Function),
}

fn read(text: &str, printed: &Functions) -> Argument {
    with_functions(serde_json::from_str(text).unwrap_or_else(|_| text.into()), printed)
}

fn with_functions(value: Value, printed: &Functions) -> Argument {
    match value {
        Value::String(text) if text.len() > 1 && text.starts_with('@') => {
            Argument::Function(printer(text.trim_start_matches('@').to_owned(), printed))
        }
        Value::Array(items) => {
            Argument::List(items.into_iter().map(|item| with_functions(item, printed)).collect())
        }
        Value::Object(fields) => Argument::Fields(
            fields.into_iter().map(|(name, value)| (name, with_functions(value, printed))).collect(),
        ),
        plain => Argument::Plain(plain),
    }
}

/// A function that prints what it is called with.
fn printer(name: String, printed: &Functions) -> Function {
    printed.add(move |arguments: Arguments| {
        terminal::print(&json!({ "function": name, "arguments": arguments.raw() }).to_string());
        async {}
    })
}

impl Serialize for Argument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Fields(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
            Self::Function(function) => function.serialize(serializer),
        }
    }
}
