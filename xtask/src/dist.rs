//! `cargo xtask dist`: the release file, and what one installs it with, in `target/dist`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::project::{self, Profile};
use crate::{agent, needs, packages, shell, ui, up};

/// Builds the release and lays it out.
pub(crate) fn run() -> Result<()> {
    packages::provide(needs::UP)?;
    agent::build()?;
    ui::build()?;
    up::build_server(Profile::Release)?;

    let dist = project::target().join("dist");
    fs::create_dir_all(&dist).with_context(|| format!("cannot make `{}`", dist.display()))?;
    let hearth = dist.join("hearth");
    copy(&Profile::Release.hearth(), &hearth)?;
    let deploy = project::root().join("deploy");
    for entry in fs::read_dir(&deploy).with_context(|| format!("cannot read `{}`", deploy.display()))? {
        let entry = entry?;
        copy(&entry.path(), &dist.join(entry.file_name()))?;
    }
    // The file people start from must be one that the server takes.
    shell::run(shell::command(&hearth).args(["config", "check", "--config"]).arg(dist.join("hearth.toml")))?;

    println!("in {}:", dist.display());
    let mut files: Vec<_> = fs::read_dir(&dist)?.filter_map(Result::ok).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        println!("{:>12}  {}", size(file.metadata()?.len()), file.file_name().to_string_lossy());
    }
    println!("{:>12}  of it the agent", size(fs::metadata(project::embedded_agent())?.len()));
    Ok(())
}

/// Replaces a file in one go, so that a running server keeps the old one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let staging = to.with_extension("new");
    fs::copy(from, &staging).with_context(|| format!("cannot copy `{}`", from.display()))?;
    fs::rename(&staging, to).with_context(|| format!("cannot write `{}`", to.display()))
}

/// A size for people: megabytes with one digit, or bytes.
fn size(bytes: u64) -> String {
    if bytes < 100_000 {
        return format!("{bytes} B");
    }
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_to_a_tenth_of_a_megabyte() {
        assert_eq!(size(950), "950 B");
        assert_eq!(size(5_960_000), "6.0 MB");
        assert_eq!(size(21_440_000), "21.4 MB");
    }
}
