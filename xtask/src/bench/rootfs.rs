//! The small Debian that image-based contenders start from, made once and kept.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{project, shell};

/// The archive of a minimal Debian root file system; made by mmdebstrap unless it is there.
pub(super) fn archive() -> Result<PathBuf> {
    let folder = project::target().join("bench");
    let archive = folder.join("rootfs.tar");
    if archive.is_file() {
        return Ok(archive);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let staging = folder.join("rootfs.new.tar");
    // The machine's own release, so that both root file systems are of the same age.
    shell::run(shell::command("mmdebstrap").args(["--variant=minbase", &release()]).arg(&staging))?;
    std::fs::rename(&staging, &archive)?;
    Ok(archive)
}

/// The code name of this machine's release; Debian 12's where it does not say.
fn release() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map_or_else(|| "bookworm".into(), |name| name.trim_matches('"').to_owned())
}
