//! Configuration: the embedded default file, an optional file, the environment, flags; in that order.
//!
//! The default file is the schema: a key that is not in it is unknown, and a value must have the
//! type it has there. Every problem is reported, not only the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::{Limits, Rootfs};
use serde::Deserialize;
use toml::Table;

mod forge;
mod layers;

pub use forge::ForgeEntry;
use layers::overlay;

/// The documented defaults, which are also the schema.
pub const DEFAULT: &str = include_str!("config.default.toml");

/// Everything that can be configured, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub workspaces: Workspaces,
    pub outbound: Outbound,
    pub keys: Keys,
    pub registry: Registry,
    pub forge: BTreeMap<String, ForgeEntry>,
    pub log: Log,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: String,
    pub public_url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspaces {
    pub rootfs: String,
    pub cpu_millis: u32,
    pub memory_mib: u64,
    pub pids: u32,
    pub starts_at_once: usize,
    pub running: u32,
    pub per_user: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub allow: Vec<String>,
    pub plain_http: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub platform: String,
    pub file: String,
    pub transit_url: String,
    pub transit_mount: String,
    pub transit_key: String,
    pub transit_token_file: String,
    pub transit_namespace: String,
    pub transit_ca_file: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    pub region: String,
    pub token_seconds: u32,
    pub key_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: String,
}

/// All that is wrong with a configuration, one line each.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {} problem(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct Problems(pub Vec<String>);

impl Config {
    /// Reads the layers: defaults, `file` if given, `HEARTH_SECTION__KEY` variables, then `section.key=value`
    /// settings from the command line.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        settings: &[String],
    ) -> Result<Self, Problems> {
        let schema: Table = DEFAULT.parse().map_err(|error| Problems(vec![format!("{error}")]))?;
        let mut merged = schema.clone();
        let mut problems = vec![];
        if let Some(path) = file {
            let shown = path.display();
            match std::fs::read_to_string(path) {
                Err(error) => problems.push(format!("cannot read `{shown}`: {error}")),
                Ok(text) => match text.parse::<Table>() {
                    Err(error) => problems.push(format!("`{shown}` is not TOML: {}", error.message())),
                    Ok(table) => overlay(&mut merged, table, &schema, &format!("`{shown}`"), &mut problems),
                },
            }
        }
        for (name, text) in environment {
            let Some(path) = name.strip_prefix("HEARTH_").filter(|rest| rest.contains("__")) else {
                continue;
            };
            let path: Vec<String> = path.split("__").map(str::to_lowercase).collect();
            let table = layers::nested(&path, text, &schema);
            overlay(&mut merged, table, &schema, &format!("`{name}`"), &mut problems);
        }
        for setting in settings {
            let Some((path, text)) = setting.split_once('=').filter(|(path, _)| path.contains('.')) else {
                let shown = setting.split('=').next().unwrap_or_default();
                problems.push(format!("`--set {shown}`: write it as `section.key=value`"));
                continue;
            };
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            let table = layers::nested(&names, text.to_owned(), &schema);
            overlay(&mut merged, table, &schema, &format!("`--set {path}`"), &mut problems);
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let config: Self = merged.try_into().map_err(|error| Problems(vec![error.to_string()]))?;
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    /// Everything that is wrong with the values.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = vec![];
        if self.server.listen.parse::<std::net::SocketAddr>().is_err() {
            problems.push(format!(
                "server.listen: `{}` is not an address and port, such as `0.0.0.0:8090`",
                self.server.listen
            ));
        }
        if !self.server.public_url.is_empty() {
            match url::Url::parse(&self.server.public_url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => {}
                _ => problems.push(format!(
                    "server.public_url: `{}` is not an http(s) URL, such as `https://hearth.example.com`",
                    self.server.public_url
                )),
            }
        }
        let database = &self.database.url;
        let schemes = ["sqlite:", "postgres://", "postgresql://"];
        if !database.is_empty() && !schemes.iter().any(|scheme| database.starts_with(scheme)) {
            problems.push("database.url: must begin with `sqlite:` or `postgres://`".into());
        }
        if let Err(error) = self.workspaces.rootfs.parse::<Rootfs>() {
            problems.push(format!("workspaces.rootfs: {error}"));
        }
        if let Err(error) = self.limits().validate() {
            problems.push(format!("workspaces: {error}"));
        }
        if !(1..=1000).contains(&self.workspaces.starts_at_once) {
            problems.push("workspaces.starts_at_once: must be between 1 and 1000".into());
        }
        if !(1..=100_000).contains(&self.workspaces.per_user) {
            problems.push("workspaces.per_user: must be between 1 and 100000".into());
        }
        for range in &self.outbound.allow {
            if range.parse::<ipnet::IpNet>().is_err() {
                problems.push(format!(
                    "outbound.allow: `{range}` is not an address range, such as `10.1.0.0/16`"
                ));
            }
        }
        self.keys.check(&mut problems);
        self.registry.check(&mut problems);
        for (name, forge) in &self.forge {
            forge.check(name, &mut problems);
        }
        if let Err(error) = self.log.filter.parse::<tracing_subscriber::EnvFilter>() {
            problems.push(format!("log.filter: {error}"));
        }
        if !matches!(self.log.format.as_str(), "text" | "json") {
            problems.push(format!("log.format: `{}` is neither `text` nor `json`", self.log.format));
        }
        problems
    }

    /// The default limits of a workspace.
    pub fn limits(&self) -> Limits {
        Limits {
            cpu_millis: self.workspaces.cpu_millis,
            memory_bytes: self.workspaces.memory_mib.saturating_mul(1 << 20),
            pids: self.workspaces.pids,
        }
    }

    /// The database's address.
    pub fn database_url(&self, data: &Path) -> String {
        if self.database.url.is_empty() {
            format!("sqlite:{}", data.join("hearth.db").display())
        } else {
            self.database.url.clone()
        }
    }
}

impl Keys {
    fn check(&self, problems: &mut Vec<String>) {
        match self.platform.as_str() {
            "file" => {}
            "transit" => {
                match url::Url::parse(&self.transit_url) {
                    Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => {}
                    _ => problems.push(format!(
                        "keys.transit_url: `{}` is not an http(s) URL, such as `https://vault.example.com:8200`",
                        self.transit_url
                    )),
                }
                if self.transit_token_file.is_empty() {
                    problems.push("keys.transit_token_file: name the file that holds the token".into());
                }
            }
            other => problems.push(format!("keys.platform: `{other}` is neither `file` nor `transit`")),
        }
    }
}

impl Registry {
    fn check(&self, problems: &mut Vec<String>) {
        let region = &self.region;
        if region.is_empty()
            || region.len() > 64
            || region.chars().any(|letter| letter == '/' || letter.is_control())
        {
            problems.push("registry.region: must have 1 to 64 bytes, without slashes, such as `eu-1`".into());
        }
        if !(10..=86_400).contains(&self.token_seconds) {
            problems.push("registry.token_seconds: must be between 10 and 86400".into());
        }
        if !(1..=365).contains(&self.key_days) {
            problems.push("registry.key_days: must be between 1 and 365".into());
        }
    }
}

/// Where the configuration file is: the one named, else `hearth.toml` in the data folder, else
/// `/etc/hearth/hearth.toml`; none where neither exists.
pub fn find_file(named: Option<PathBuf>, data: &Path) -> Option<PathBuf> {
    named.or_else(|| {
        [data.join("hearth.toml"), PathBuf::from("/etc/hearth/hearth.toml")]
            .into_iter()
            .find(|path| path.exists())
    })
}

/// The data folder when nobody names one: `/var/lib/hearth` for root, else the user's own.
pub fn default_data_folder() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return "/var/lib/hearth".into();
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    base.or_else(home).unwrap_or_else(|| "/tmp".into()).join("hearth")
}

#[cfg(test)]
mod tests;
