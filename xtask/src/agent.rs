//! Builds the static agent and puts it where the server's build packs it.

use std::fs;

use anyhow::{Context, Result};

use crate::{project, shell};

/// Builds `hearth-agent` for musl and lays it at [`project::embedded_agent`].
pub(crate) fn build() -> Result<()> {
    provide_target()?;
    let triple = project::agent_triple();
    shell::run(shell::cargo().args([
        "build",
        "--locked",
        "--package",
        "hearth-agent",
        "--profile",
        "agent",
        "--target",
        &triple,
    ]))?;
    let built = project::target().join(&triple).join("agent/hearth-agent");
    let bytes = fs::read(&built).with_context(|| format!("cannot read `{}`", built.display()))?;
    let place = project::embedded_agent();
    // An unchanged file keeps its time, so that the server is not built again for nothing.
    if fs::read(&place).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    fs::copy(&built, &place).with_context(|| format!("cannot write `{}`", place.display()))?;
    Ok(())
}

/// Makes sure the standard library for the agent's target is there.
fn provide_target() -> Result<()> {
    let triple = project::agent_triple();
    let sysroot = shell::read(shell::command("rustc").args(["--print", "sysroot"]))?;
    let library = std::path::Path::new(sysroot.trim()).join("lib/rustlib").join(&triple).join("lib");
    if library.is_dir() {
        return Ok(());
    }
    if shell::find("rustup").is_none() {
        anyhow::bail!(
            "Rust's standard library for `{triple}` is missing and there is no rustup to add it: install Rust \
             from https://rustup.rs, or your distribution's package of that target"
        );
    }
    shell::run(shell::command("rustup").args(["target", "add", &triple]))
}
