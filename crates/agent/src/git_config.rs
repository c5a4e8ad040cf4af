//! Setting Git and SSH inside up, in files of our own that the user's include.
//!
//! They are written anew each time, because the proxy's port may be another one after a restart. What the
//! user says in files of their own has the last word, but for what SSH may connect through.

mod authority;
mod git;
mod include;
mod ssh;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;
use wire::agent::GitSettings;

use crate::egress::Egress;
use crate::environment::Environment;

pub(crate) use include::is_only_ours;

/// Our files, below the home folder.
const FOLDER: &str = ".config/hearth";
const GIT: &str = "gitconfig";
const SSH: &str = "ssh_config";
const KNOWN_HOSTS: &str = "known_hosts";
const ALLOWED_SIGNERS: &str = "allowed_signers";
/// What we were told, for the time from an agent's restart until the server says it again.
const MEMORY: &str = "settings.json";

/// How Git inside is set up, and how to change it.
pub(crate) struct GitConfig {
    home: PathBuf,
    /// The executable that Git and SSH call, and the sockets they find us at.
    program: PathBuf,
    calls: Option<PathBuf>,
    ssh_agent: Option<PathBuf>,
    told: tokio::sync::Mutex<Told>,
}

/// Everything we were told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    #[serde(default)]
    settings: GitSettings,
    /// Origins that clones went through the server to, beyond those of the settings.
    #[serde(default)]
    routed: BTreeSet<String>,
}

impl Told {
    fn origins(&self) -> BTreeSet<String> {
        self.settings.origins.iter().filter_map(|text| origin(text)).chain(self.routed.clone()).collect()
    }
}

impl GitConfig {
    pub(crate) fn new(
        environment: &Environment,
        program: PathBuf,
        calls: Option<PathBuf>,
        ssh_agent: Option<PathBuf>,
    ) -> Self {
        let home = environment.home().to_owned();
        Self { home, program, calls, ssh_agent, told: tokio::sync::Mutex::default() }
    }

    /// Sets everything up as the server says.
    ///
    /// # Errors
    ///
    /// When the proxy cannot listen or the home folder cannot be written.
    pub(crate) async fn set(&self, egress: &Egress, settings: GitSettings) -> io::Result<()> {
        let mut told = self.told.lock().await;
        *told = Told { settings, routed: BTreeSet::new() };
        self.write(egress, &told).await
    }

    /// Makes git reach `url`'s host through the server from now on: answers the proxy's address.
    ///
    /// # Errors
    ///
    /// When the proxy cannot listen. A home folder that cannot be written is only logged: the clone
    /// itself works without it.
    pub(crate) async fn route(&self, egress: &Egress, url: &Url) -> io::Result<String> {
        let proxy = egress.address().await?;
        let mut told = self.told.lock().await;
        let origin = url.origin().ascii_serialization();
        if !told.origins().contains(&origin) {
            told.routed.insert(origin);
        }
        if let Err(error) = self.write(egress, &told).await {
            tracing::warn!(error = %error, "cannot keep git's way out for later");
        }
        Ok(proxy)
    }

    /// After a restart: sets up again what an earlier agent had.
    pub(crate) async fn restore(&self, egress: &Egress) {
        let mut told = self.told.lock().await;
        *told = self.remembered();
        if *told == Told::default() {
            return;
        }
        if let Err(error) = self.write(egress, &told).await {
            tracing::warn!(error = %error, "cannot restore how git is set up");
        }
    }

    /// Makes sure that our files are included, after something else wrote into the home folder.
    pub(crate) async fn include_again(&self) {
        let told = self.told.lock().await;
        if *told != Told::default()
            && let Err(error) = self.include(&told.settings)
        {
            tracing::warn!(error = %error, "cannot tell git how it is set up");
        }
    }

    /// Settings for one run of git, as `-c` takes them, so that it asks us for `url`'s credentials
    /// whatever the files say.
    pub(crate) fn for_one_run(&self, url: &Url) -> Vec<String> {
        let Some(helper) = self.helper() else { return Vec::new() };
        let section = format!("credential.{}", url.origin().ascii_serialization());
        vec![
            // Those of the files, ours among them, are left out: asked twice, we would answer twice.
            format!("{section}.helper="),
            format!("{section}.helper={helper}"),
            format!("{section}.useHttpPath=true"),
        ]
    }

    async fn write(&self, egress: &Egress, told: &Told) -> io::Result<()> {
        let origins = told.origins();
        let proxy = if origins.is_empty() { None } else { Some(egress.address().await?) };
        let folder = self.home.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let authorities = authority::put(&folder, &told.settings.authorities)?;
        let set_up = git::SetUp {
            authorities: &authorities,
            origins: &origins,
            proxy: proxy.as_deref(),
            helper: self.helper(),
            settings: &told.settings,
            allowed_signers: folder.join(ALLOWED_SIGNERS),
        };
        put(&folder.join(MEMORY), &serde_json::to_string(told)?)?;
        put(&folder.join(ALLOWED_SIGNERS), &git::allowed_signers(&told.settings))?;
        put(&folder.join(KNOWN_HOSTS), &ssh::known_hosts(&told.settings.ssh_hosts))?;
        put(&folder.join(SSH), &self.ssh_config(&told.settings))?;
        put(&folder.join(GIT), &set_up.to_text())?;
        self.include(&told.settings)
    }

    fn include(&self, settings: &GitSettings) -> io::Result<()> {
        include::git(&self.home)?;
        if settings.ssh_hosts.is_empty() { Ok(()) } else { include::ssh(&self.home) }
    }

    fn ssh_config(&self, settings: &GitSettings) -> String {
        let (Some(calls), Some(agent)) = (&self.calls, &self.ssh_agent) else { return String::new() };
        let known_hosts = self.home.join(FOLDER).join(KNOWN_HOSTS);
        ssh::Ways { program: &self.program, calls, agent, known_hosts: &known_hosts }
            .to_text(&settings.ssh_hosts)
    }

    /// The credential helper as git's configuration has it: a command for a shell.
    fn helper(&self) -> Option<String> {
        let calls = self.calls.as_ref()?;
        Some(format!("!{} credential --socket {}", shell_quoted(&self.program), shell_quoted(calls)))
    }

    fn remembered(&self) -> Told {
        let folder = self.home.join(FOLDER);
        let read = |name| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        serde_json::from_str(&read(MEMORY))
            .unwrap_or_else(|_| Told { settings: GitSettings::default(), routed: git::routed(&read(GIT)) })
    }
}

/// The origin of an address that git can reach over HTTP, in its one spelling.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.origin().ascii_serialization())
}

fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Writes a file whole, unless it says so already.
fn put(file: &Path, text: &str) -> io::Result<()> {
    if std::fs::read_to_string(file).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let draft = PathBuf::from(format!("{}.part", file.display()));
    std::fs::write(&draft, text)?;
    std::fs::rename(draft, file)
}

#[cfg(test)]
mod tests;
