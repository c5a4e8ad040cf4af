//! `hearth login`: remembers a server and an API token.

use std::io::{IsTerminal, Read, Write};

use anyhow::{Context, Result, bail};

use crate::cli::Global;
use crate::client::{Client, Credentials, Endpoint, remember};
use crate::terminal;

/// Asks for a token (or takes it from the option or standard input), tries it, keeps it.
pub async fn login(text: &str, global: &Global) -> Result<u8> {
    let url: url::Url = text
        .parse()
        .with_context(|| format!("`{text}` is not a URL, such as `https://hearth.example.com`"))?;
    let token = match &global.token {
        Some(token) => token.clone(),
        None => ask(&url)?,
    };
    if token.is_empty() {
        bail!("no API token given\n  mend: make one at {}/settings and paste it", text.trim_end_matches('/'));
    }
    let client = Client::new(Endpoint::Remote { url: url.clone(), token: token.clone() })?;
    let me = client.get("/me").await.context("the server does not accept this token")?;
    let path = remember(&Credentials { server: url.clone(), token })?;
    terminal::show(global, &me, |me| {
        let name = me["name"].as_str().unwrap_or_default();
        format!("signed in to {url} as {name}; kept in {}", path.display())
    })
}

fn ask(url: &url::Url) -> Result<String> {
    let mut token = String::new();
    if std::io::stdin().is_terminal() {
        let page = url.as_str().trim_end_matches('/');
        write!(std::io::stderr(), "Make an API token at {page}/settings and paste it here: ")?;
        token = read_unseen()?;
        terminal::note("");
    } else {
        std::io::stdin().read_to_string(&mut token)?;
    }
    Ok(token.trim().to_owned())
}

/// Reads a line without showing it.
fn read_unseen() -> Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    let stdin = std::io::stdin();
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    read?;
    Ok(line)
}
