//! The forges of the configuration file, brought into the database at the start and at every SIGHUP.

use std::fs;

use anyhow::{Context, Result, bail};
use control::{Control, FileForge, ForgeSettings};
use domain::SshEndpoint;
use vault::Secret;

use crate::config::{Config, ForgeEntry};

/// Makes the platform's forges be what the configuration says.
pub(super) async fn apply(config: &Config, control: &Control) -> Result<()> {
    let entries = config.forge.iter().map(|(key, entry)| {
        read(key, entry).with_context(|| format!("cannot use `[forge.{key}]` of the configuration"))
    });
    let entries = entries.collect::<Result<Vec<_>>>()?;
    match control.sync_forges(entries).await {
        Ok(()) => Ok(()),
        Err(error) => bail!("cannot take over the configuration's forges: {error}\n  mend: {}", error.mend()),
    }
}

fn read(key: &str, entry: &ForgeEntry) -> Result<FileForge> {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let file = |path: &String| -> Result<Option<String>> {
        if path.is_empty() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))?;
        Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
    };
    let client_secret = match given(&entry.client_secret) {
        Some(secret) => Some(secret),
        None => file(&entry.client_secret_file)?,
    };
    let settings = ForgeSettings {
        api_url: given(&entry.api_url),
        git_url: given(&entry.git_url),
        ssh: given(&entry.ssh).map(|text| endpoint(&text)),
        auth_method: given(&entry.auth),
        client_id: given(&entry.client_id),
        client_secret: client_secret.map(Secret::new),
        redirect: given(&entry.redirect),
        scopes: Some(entry.scopes.clone()).filter(|scopes| !scopes.is_empty()),
        ca_pem: file(&entry.ca_file)?,
        client_certificate: file(&entry.client_certificate_file)?,
        client_key: file(&entry.client_key_file)?.map(Secret::new),
        proxy: given(&entry.proxy),
        sign_in: Some(entry.sign_in),
        sign_up: given(&entry.sign_up),
        sign_up_domains: Some(entry.sign_up_domains.clone()).filter(|domains| !domains.is_empty()),
    };
    Ok(FileForge {
        key: key.to_owned(),
        kind: entry.kind.clone(),
        name: given(&entry.name),
        web_url: given(&entry.url),
        settings,
    })
}

/// `host` or `host:port`; the user is `git` unless one stands before an `@`.
fn endpoint(text: &str) -> SshEndpoint {
    let (user, rest) = text.split_once('@').unwrap_or(("git", text));
    let (host, port) = match rest.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) => (host, port),
        _ => (rest, 22),
    };
    SshEndpoint { host: host.to_owned(), port, user: user.to_owned(), host_keys: vec![] }
}
