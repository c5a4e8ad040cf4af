//! Where things are in the tree.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder for everything that is built; honours `CARGO_TARGET_DIR`.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where `bin/hearth/build.rs` looks for the agent it packs.
pub(crate) fn embedded_agent() -> PathBuf {
    root().join("target/embed/hearth-agent")
}

/// The target triple of a static agent for this machine.
pub(crate) fn agent_triple() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// How optimised the build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Builds fast.
    Dev,
    /// Runs fast.
    Release,
}

impl Profile {
    /// The server's executable once it is built.
    pub(crate) fn hearth(self) -> PathBuf {
        let folder = match self {
            Self::Dev => "debug",
            Self::Release => "release",
        };
        target().join(folder).join("hearth")
    }
}
