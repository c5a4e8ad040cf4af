//! Builds the web UI, unless nothing it is made of has changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::tools::Node;
use crate::{project, shell};

/// What the build reads, below `ui/`.
const INPUTS: [&str; 3] = ["src", "public", "index.html"];

/// Makes sure `ui/dist` is there and made from what is in `ui/` now.
pub(crate) fn build() -> Result<()> {
    let ui = project::root().join("ui");
    let stamp = project::target().join("stamps/ui-build");
    let wanted = fingerprint(&ui, &inputs(&ui)?)?;
    if ui.join("dist/index.html").is_file() && fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        eprintln!("the UI is up to date");
        return Ok(());
    }
    let node = Node::provide()?;
    install(&node)?;
    shell::run(node.npm().args(["run", "build"]))?;
    // Once more: the build writes the client that it makes from the API's document.
    write_stamp(&stamp, &fingerprint(&ui, &inputs(&ui)?)?)
}

/// Makes sure `ui/node_modules` is what the lock file says.
pub(crate) fn install(node: &Node) -> Result<()> {
    let ui = project::root().join("ui");
    let stamp = project::target().join("stamps/ui-modules");
    let wanted = fingerprint(&ui, &[ui.join("package.json"), ui.join("package-lock.json")])?;
    if ui.join("node_modules").is_dir() && fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    // Scripts of packages do not run: nothing we depend on needs them, and they could do anything.
    shell::run(node.npm().args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    write_stamp(&stamp, &wanted)
}

fn write_stamp(stamp: &Path, text: &str) -> Result<()> {
    if let Some(folder) = stamp.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    fs::write(stamp, text).with_context(|| format!("cannot write `{}`", stamp.display()))
}

/// Every file the build reads: the named folders, and all configuration files at the top.
fn inputs(ui: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![];
    for name in INPUTS {
        collect(&ui.join(name), &mut files)?;
    }
    for entry in fs::read_dir(ui).with_context(|| format!("cannot read `{}`", ui.display()))? {
        let path = entry?.path();
        let is_config =
            path.extension().is_some_and(|ending| ["json", "ts", "js"].iter().any(|one| ending == *one));
        if is_config && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
    } else if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))? {
            collect(&entry?.path(), files)?;
        }
    }
    Ok(())
}

/// A hash over names and contents.
fn fingerprint(base: &Path, files: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        let content = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let name = file.strip_prefix(base).unwrap_or(file).to_string_lossy().into_owned();
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_changes_with_content_and_name_and_with_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "one").unwrap();
        fs::write(&b, "one").unwrap();
        let of = |file: &PathBuf| fingerprint(folder.path(), std::slice::from_ref(file)).unwrap();
        let before = of(&a);

        assert_eq!(of(&a), before);
        assert_ne!(of(&b), before);
        fs::write(&a, "two").unwrap();
        assert_ne!(of(&a), before);
    }
}
