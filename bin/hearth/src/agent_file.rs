//! The agent that travels inside this executable, put on disk where drivers can mount it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The static agent, packed with zstd; empty when it had not been built (see `build.rs`).
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hearth-agent.zst"));

/// Makes sure the agent lies in `<data>/agent/` and answers its path.
///
/// The name carries the version and a hash of the content, so that workspaces that run keep the file
/// they were started with while new ones get this one.
pub fn unpack(data: &Path) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("HEARTH_AGENT_FILE") {
        return Ok(path.into());
    }
    if PACKED.is_empty() {
        bail!(
            "this build of hearth carries no agent; build it with `cargo xtask up`, or name one in HEARTH_AGENT_FILE"
        );
    }
    let folder = data.join("agent");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    // The agent is shown inside sandboxes that run under other user ids: they must be able to read it.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
    let path =
        folder.join(concat!("hearth-agent-", env!("CARGO_PKG_VERSION"), "-", env!("HEARTH_AGENT_BUILD")));
    if path.exists() {
        return Ok(path);
    }
    let staging = folder.join(format!(".{}.new", std::process::id()));
    // Run but not read: the kernel then lets nobody inside look into the agent's memory, from its first
    // instruction on.
    fs::remove_file(&staging).ok();
    let write = || -> std::io::Result<()> {
        let mut file =
            fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o111).open(&staging)?;
        file.write_all(&zstd::decode_all(PACKED)?)?;
        file.sync_all()?;
        fs::rename(&staging, &path)
    };
    write().with_context(|| format!("cannot write the agent to `{}`", path.display()))?;
    Ok(path)
}
