//! Independent implementations that tests talk to: where they are installed, how one is started, and what
//! happens where one is missing.
//!
//! `cargo xtask test` installs them. A test begins with
//! `let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::Modern).await) else { return };`.

mod authority;
mod process;

use std::fmt;
use std::path::{Path, PathBuf};

pub use authority::Authority;
pub(crate) use process::Process;

/// Names the folder that the peers are installed in, if not the usual one.
const FOLDER: &str = "HEARTH_PEERS";

/// Why a peer cannot be used here. [`or_skip`] tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    why: String,
}

impl Skip {
    /// `what` is not installed; `cargo xtask test` would install it.
    pub fn missing(what: &str) -> Self {
        Self { why: format!("{what} is not installed; `cargo xtask test --only packages` installs it") }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The peer, or `None` after printing `skipped: why`: the caller returns and counts as skipped.
///
/// # Panics
///
/// When the peer is missing and the environment says `CI=true`, because there nothing that can be installed
/// may be skipped.
pub fn or_skip<T>(peer: Result<T, Skip>) -> Option<T> {
    match peer {
        Ok(peer) => Some(peer),
        Err(skip) => {
            let is_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
            assert!(!is_ci, "{skip}");
            report(&skip);
            None
        }
    }
}

#[expect(clippy::print_stderr, reason = "the only way to tell who runs the tests")]
fn report(skip: &Skip) {
    eprintln!("skipped: {skip}");
}

/// The folder the peers are installed in: `HEARTH_PEERS`, or `peers` in the folder of what is built.
pub fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        || std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it));
    std::env::var_os(FOLDER).map_or_else(|| target().join("peers"), PathBuf::from)
}

/// A Python that has the pinned packages of `xtask/peers/requirements.txt`, if installed.
pub fn python() -> Option<PathBuf> {
    let python = folder().join("python/bin/python3");
    python.is_file().then_some(python)
}

/// A `node_modules` that has the pinned packages of `xtask/peers/package.json`, if installed. Scripts are
/// run with [`node`].
pub fn node_modules() -> Option<PathBuf> {
    let modules = folder().join("node/node_modules");
    modules.is_dir().then_some(modules)
}

/// A Node that is new enough for [`node_modules`]: the one fetched beside them, else the system's.
pub fn node() -> PathBuf {
    let fetched = folder().join("node/bin/node");
    if fetched.exists() { fetched } else { PathBuf::from("node") }
}
