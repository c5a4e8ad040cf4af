//! Tools that do not come from the distribution: Node where it is too old, and nextest.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{project, shell};

/// The oldest Node that the UI's build works with (its bundler says so).
const OLDEST_NODE: (u32, u32) = (20, 19);
/// The Node we fetch from the npm registry where the distribution's is older.
const FETCHED_NODE: &str = "24.21.0";
/// The npm that goes with it.
const FETCHED_NPM: &str = "11";
/// The nextest we build where there is none.
const NEXTEST: &str = "0.9.143";

/// Node and npm that are new enough, as a `PATH` to run them with.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    path: OsString,
}

impl Node {
    /// Finds Node; where it is missing or too old, gets it.
    ///
    /// Debian 12 and Ubuntu 24.04 have Node 18. Its npm is good enough to fetch a newer Node, which is
    /// an ordinary npm package, into `target/tools`: nothing on the system changes.
    pub(crate) fn provide() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if shell::find("npm").is_some() && is_new_enough("node".into()) {
            return Ok(Self { path });
        }
        let tools = project::target().join("tools");
        let arch = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => bail!(
                "Node {}.{} or newer is needed; none is known for `{other}`",
                OLDEST_NODE.0,
                OLDEST_NODE.1
            ),
        };
        let package = format!("node-linux-{arch}");
        let modules = tools.join("node_modules");
        let node = modules.join(&package).join("bin");
        let folders = [node.clone(), modules.join(".bin")];
        let fetched = Self {
            path: std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path)))
                .context("a folder in PATH has a colon in its name")?,
        };
        if is_new_enough(node.join("node").into()) {
            return Ok(fetched);
        }
        if shell::find("npm").is_none() {
            crate::packages::provide(&[crate::needs::NPM])?;
            if is_new_enough("node".into()) {
                return Ok(Self { path });
            }
        }
        eprintln!(
            "the system's Node is older than {}.{}: fetching Node {FETCHED_NODE} into `target/tools`",
            OLDEST_NODE.0, OLDEST_NODE.1
        );
        std::fs::create_dir_all(&tools).with_context(|| format!("cannot make `{}`", tools.display()))?;
        let mut install = shell::command("npm");
        install
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .arg(&tools);
        shell::run(install.args([format!("{package}@{FETCHED_NODE}"), format!("npm@{FETCHED_NPM}")]))?;
        if !is_new_enough(node.join("node").into()) {
            bail!(
                "the fetched Node in `{}` does not run here; install Node {}.{} or newer by hand",
                node.display(),
                OLDEST_NODE.0,
                OLDEST_NODE.1
            );
        }
        Ok(fetched)
    }

    /// `npm` in the UI's folder.
    pub(crate) fn npm(&self) -> Command {
        let mut command = Command::new(self.find("npm"));
        command.current_dir(project::root().join("ui")).env("PATH", &self.path);
        command
    }

    /// `Command` looks programs up in our own `PATH`, not in the child's.
    fn find(&self, program: &str) -> PathBuf {
        std::env::split_paths(&self.path)
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
            .unwrap_or_else(|| program.into())
    }
}

fn is_new_enough(node: OsString) -> bool {
    shell::read(shell::command(node).arg("--version"))
        .ok()
        .and_then(|text| parse_version(&text))
        .is_some_and(|version| version >= OLDEST_NODE)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Makes sure `cargo nextest` is there; builds it where it is not, which takes minutes, once.
pub(crate) fn provide_nextest() -> Result<()> {
    if shell::read(shell::cargo().args(["nextest", "--version"])).is_ok() {
        return Ok(());
    }
    eprintln!("missing: cargo-nextest (it runs the tests); building it once");
    shell::run(shell::cargo().args(["install", "--locked", "cargo-nextest", "--version", NEXTEST]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_read_as_node_prints_them() {
        assert_eq!(parse_version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(parse_version("v9.1"), Some((9, 1)));
        assert_eq!(parse_version("20.1"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn versions_compare_as_numbers() {
        for (version, is_enough) in [((20, 9), false), ((18, 20), false), ((24, 0), true), ((20, 19), true)] {
            assert_eq!(version >= OLDEST_NODE, is_enough, "{version:?}");
        }
    }
}
