//! The independent implementations that tests talk to, where they are no Debian programs: installs what
//! `xtask/peers` pins into `target/peers`, where `testkit::peers` looks.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::needs::{Found, Need, Weight};
use crate::tools::Node;
use crate::{packages, project, shell};

/// Packages that have no program to be found by, or only tests' peers need.
pub(crate) const NEEDS: &[Need] = &[
    peer(
        Found::File("/usr/share/doc/ruby-doorkeeper-openid-connect"),
        "ruby-doorkeeper ruby-doorkeeper-openid-connect ruby-railties ruby-activerecord ruby-sqlite3",
        "GitLab's OAuth server is made of it",
    ),
    peer(Found::Program("puma"), "puma", "it serves GitLab's OAuth server"),
    peer(Found::File(VENV), "python3-venv", "it keeps Python's packages apart"),
];

/// What makes `python3 -m venv` work.
const VENV: &str = "/usr/share/doc/python3-venv";

const fn peer(found: Found, debian: &'static str, purpose: &'static str) -> Need {
    Need { found, purpose, weight: Weight::Useful, debian, elsewhere: [""; 4] }
}

/// Makes sure that all peers are installed; quick where they are. Answers what is missing nevertheless.
///
/// # Errors
///
/// When the packages cannot be fetched.
pub(crate) fn provide() -> Result<Vec<Need>> {
    let missing = packages::provide(NEEDS)?;
    let folder = project::target().join("peers");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    if missing.iter().all(|need| need.debian != "python3-venv") {
        python(&folder.join("python"))?;
    }
    node(&folder.join("node"))?;
    Ok(missing)
}

/// A virtual environment with the pinned packages.
fn python(folder: &Path) -> Result<()> {
    let wanted = project::root().join("xtask/peers/requirements.txt");
    if is_current(folder, &[&wanted])? {
        return Ok(());
    }
    // The distribution's own: it is the one `python3-venv` belongs to.
    let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
    shell::run(shell::command(python).args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = shell::command(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"])
        .arg(&wanted);
    shell::run(&mut pip)?;
    note(folder, &[&wanted])
}

/// A `node_modules` as the lock file says, and the Node to use it with.
fn node(folder: &Path) -> Result<()> {
    let source = project::root().join("xtask/peers");
    let wanted = ["package.json", "package-lock.json"].map(|name| source.join(name));
    let wanted = [wanted[0].as_path(), wanted[1].as_path()];
    if is_current(folder, &wanted)? {
        return Ok(());
    }
    let node = Node::provide()?;
    fs::create_dir_all(folder.join("bin")).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for file in wanted {
        let copy = folder.join(file.file_name().unwrap_or_default());
        fs::copy(file, &copy).with_context(|| format!("cannot write `{}`", copy.display()))?;
    }
    // Scripts of packages do not run: nothing we depend on needs them, and they could do anything.
    let mut npm = node.npm();
    shell::run(npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    let link = folder.join("bin/node");
    // A link of an earlier run may lead elsewhere.
    let _absent = fs::remove_file(&link);
    let program = shell::read(node.npm().current_dir(folder).args(["--silent", "run", "which-node"]))?;
    std::os::unix::fs::symlink(program.trim(), &link)
        .with_context(|| format!("cannot link `{}`", link.display()))?;
    note(folder, &wanted)
}

/// Whether the folder was made from these files as they are now.
fn is_current(folder: &Path, wanted: &[&Path]) -> Result<bool> {
    let text = contents(wanted)?;
    Ok(fs::read_to_string(folder.join("stamp")).is_ok_and(|stamp| stamp == text))
}

fn note(folder: &Path, wanted: &[&Path]) -> Result<()> {
    let stamp = folder.join("stamp");
    fs::write(&stamp, contents(wanted)?).with_context(|| format!("cannot write `{}`", stamp.display()))
}

fn contents(files: &[&Path]) -> Result<String> {
    let read =
        |file: &&Path| fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()));
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_from_other_pins_is_not_current() {
        let folder = tempfile::tempdir().unwrap();
        let pins = folder.path().join("pins");
        fs::write(&pins, "a==1").unwrap();

        assert!(!is_current(folder.path(), &[&pins]).unwrap());
        note(folder.path(), &[&pins]).unwrap();
        assert!(is_current(folder.path(), &[&pins]).unwrap());
        fs::write(&pins, "a==2").unwrap();
        assert!(!is_current(folder.path(), &[&pins]).unwrap());
    }

    #[test]
    fn every_pin_is_exact() {
        let text = fs::read_to_string(project::root().join("xtask/peers/requirements.txt")).unwrap();
        let pins: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();

        assert!(!pins.is_empty());
        assert!(pins.iter().all(|pin| pin.contains("==")), "{pins:?}");
    }
}
