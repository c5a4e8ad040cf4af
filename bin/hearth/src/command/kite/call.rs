//! `hearth kite call`: one method of a kite.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::{Clock, Timestamp};
use http::Method;
use kite::client::{DialError, Dialer};
use kite::{Arguments, Authentication, Error, Function, Functions, Kite, Peer, Service};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{find, path};
use crate::cli::{Global, KiteCall};
use crate::client::{Client, Endpoint};
use crate::outside::SystemClock;
use crate::terminal;

/// How long connecting may take.
const DIAL_LIMIT: Duration = Duration::from_secs(15);
/// How long after a token that was not given another is asked for, and how long at least after one that was.
const TOKEN_AGAIN: Duration = Duration::from_secs(5);

/// Calls it and prints what it answers.
pub(super) async fn call(client: &Client, global: &Global, options: KiteCall) -> Result<u8> {
    let found = find(client, &options.kite).await?;
    if found["may_call"] != true {
        bail!("you may see this kite and not call it\n  mend: ask its owner to share it with you");
    }
    let token = token_for(client, &found).await?;
    let url = token["url"].as_str().context("the server's answer has no address")?;
    let peer = dial(client, &found, url).await?;
    peer.set_authentication(token["token"].as_str().map(Authentication::token));
    let mut renewing = std::pin::pin!(keep_token(client, &found, &peer, &token));

    let printed = Functions::new();
    let arguments: Vec<Argument> = options.arguments.iter().map(|text| read(text, &printed)).collect();
    let call = peer.request(&options.method).args(arguments).timeout(Duration::from_secs(options.timeout));
    let answered = tokio::select! {
        answered = call.send::<Value>() => answered,
        never = &mut renewing => match never {},
    };
    let answer = answered.map_err(|error| refused(&options.method, &error))?;
    terminal::show(global, &answer, |answer| format!("{answer:#}"))?;
    if options.follow {
        tokio::select! {
            () = peer.closed() => bail!("the connection to the kite has ended"),
            _ = tokio::signal::ctrl_c() => {}
            never = &mut renewing => match never {},
        }
    }
    peer.drain(Duration::from_secs(1)).await;
    Ok(0)
}

async fn token_for(client: &Client, found: &Value) -> Result<Value> {
    client.call(Method::POST, &path(found, "/token"), None).await
}

/// Shows a new token whenever half of the last one's life is over: a relay ends a connection on which every token
/// that it saw is over.
async fn keep_token(client: &Client, found: &Value, peer: &Peer, first: &Value) -> Infallible {
    let mut pause = half_of(first);
    loop {
        tokio::time::sleep(pause).await;
        match token_for(client, found).await {
            Ok(token) => {
                peer.set_authentication(token["token"].as_str().map(Authentication::token));
                peer.call::<Value>("kite.ping", ()).await.ok();
                pause = half_of(&token);
            }
            Err(_) => pause = TOKEN_AGAIN,
        }
    }
}

/// Half of what is left of a token's life.
fn half_of(token: &Value) -> Duration {
    let until = token["expires_at"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let left = until.map(|until| until.duration_since(SystemClock.now()));
    left.and_then(|left| Duration::try_from(left / 2).ok()).unwrap_or_default().max(TOKEN_AGAIN)
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

/// An argument: JSON, text, and functions where it says `@name`; `@@name` is the text `@name`.
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
        Value::String(text) => match text.strip_prefix('@') {
            Some(rest) if rest.starts_with('@') => Argument::Plain(rest.into()),
            Some(name) if !name.is_empty() => Argument::Function(printer(name.to_owned(), printed)),
            _ => Argument::Plain(text.into()),
        },
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Argument, Functions, read};

    fn plain(text: &str) -> Option<Value> {
        match read(text, &Functions::new()) {
            Argument::Plain(value) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn one_at_sign_makes_a_function_and_two_a_text() {
        for (written, meant) in [
            ("@@x", "@x"),
            ("@@@x", "@@x"),
            ("@@", "@"),
            ("@", "@"),
            ("a@b", "a@b"),
            (r#""@@x""#, "@x"),
            ("@@types/node", "@types/node"),
        ] {
            assert_eq!(plain(written), Some(json!(meant)), "{written}");
        }
        assert_eq!(plain("-5"), Some(json!(-5)));
        for function in ["@x", r#""@x""#] {
            assert!(matches!(read(function, &Functions::new()), Argument::Function(_)), "{function}");
        }
        let Argument::Fields(fields) = read(r#"{"a": "@@x", "b": ["@x"]}"#, &Functions::new()) else {
            panic!("fields")
        };
        assert!(matches!(&fields[0].1, Argument::Plain(Value::String(text)) if text == "@x"));
        assert!(
            matches!(&fields[1].1, Argument::List(items) if matches!(items[..], [Argument::Function(_)]))
        );
    }
}
