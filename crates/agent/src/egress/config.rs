//! Telling git about the proxy: a file of our own that the user's configuration includes.
//!
//! Not the clone's configuration, because the port may be another one after a restart, and a file that
//! is only ours can be written anew each time.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use super::Egress;
use crate::environment::Environment;

/// Below the home folder.
const FILE: &str = ".config/hearth/gitconfig";
/// As git's `include.path` has it.
const INCLUDE: &str = "~/.config/hearth/gitconfig";

impl Egress {
    /// Makes git reach `url`'s host through the server from now on: answers the proxy's address.
    ///
    /// # Errors
    ///
    /// When the proxy cannot listen. A home folder that cannot be written is only logged: the clone
    /// itself works without it.
    pub(crate) async fn route(&self, environment: &Environment, url: &Url) -> io::Result<String> {
        let proxy = self.address().await?;
        let file = environment.home().join(FILE);
        let mut origins = read(&file);
        origins.insert(url.origin().ascii_serialization());
        if let Err(error) = keep(environment, &file, &origins, &proxy).await {
            tracing::warn!(file = %file.display(), error = %error, "cannot keep git's way out for later");
        }
        Ok(proxy)
    }

    /// After a restart: listens again, and says so to git, if an earlier agent had to.
    pub(crate) async fn restore(&self, environment: &Environment) {
        let file = environment.home().join(FILE);
        let origins = read(&file);
        if origins.is_empty() {
            return;
        }
        let kept = match self.address().await {
            Ok(proxy) => write(&file, &origins, &proxy),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::warn!(file = %file.display(), error = %error, "cannot restore git's way out");
        }
    }
}

async fn keep(
    environment: &Environment,
    file: &Path,
    origins: &BTreeSet<String>,
    proxy: &str,
) -> io::Result<()> {
    write(file, origins, proxy)?;
    let git = |arguments: &[&str]| {
        let mut command = crate::process::command(environment, "git", environment.folder());
        command.arg("config").arg("--global").args(arguments).stdin(std::process::Stdio::null());
        command
    };
    let included = git(&["--get-all", "include.path"]).output().await?;
    let is_included = String::from_utf8_lossy(&included.stdout).lines().any(|line| line == INCLUDE);
    if is_included {
        return Ok(());
    }
    let added = git(&["--add", "include.path", INCLUDE]).output().await?;
    if added.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&added.stderr).trim().to_owned()))
    }
}

fn read(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.strip_prefix("[http \"")?.strip_suffix("/\"]").map(str::to_owned))
        .collect()
}

fn write(file: &Path, origins: &BTreeSet<String>, proxy: &str) -> io::Result<()> {
    let mut text = String::from("# Written by Hearth: git reaches these through the server.\n");
    for origin in origins {
        // An origin is a scheme, a host and a port: nothing in it needs escaping.
        text = format!("{text}[http \"{origin}/\"]\n\tproxy = {proxy}\n");
    }
    if std::fs::read_to_string(file).is_ok_and(|present| present == text) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = PathBuf::from(format!("{}.part", file.display()));
    std::fs::write(&draft, text)?;
    std::fs::rename(draft, file)
}
