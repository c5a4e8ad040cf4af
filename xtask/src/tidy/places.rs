//! The tree names no machine: not where it was written, nor from where its parts were fetched.

use super::Faults;
use super::tree::Tree;
use crate::project;

/// The registries that lock files may name.
const REGISTRIES: [&str; 2] = ["https://registry.npmjs.org/", "https://github.com/rust-lang/crates.io-index"];

/// Files in which one may set a mirror.
const SETTINGS: [&str; 3] = [".npmrc", ".cargo/config.toml", "pip.conf"];

/// Settings that would send everybody else to somebody's mirror.
const MIRROR_SETTINGS: [&str; 4] = ["replace-with", "registry=", "registry =", "index-url"];

/// Checks all text files.
pub(super) fn check(tree: &Tree) -> Faults {
    faults(tree, &project::root().to_string_lossy())
}

fn faults(tree: &Tree, root: &str) -> Faults {
    let mut faults = vec![];
    for (path, text) in tree.texts() {
        for (number, line) in (1..).zip(text.lines()) {
            let at = || format!("{path}:{number}");
            if is_telling(root) && names_folder(line, root) {
                faults.push(format!("{}: names the folder it was written in", at()));
            }
            let is_lock = path.ends_with("Cargo.lock") || path.ends_with("package-lock.json");
            if is_lock && foreign_registry(line) {
                faults.push(format!("{}: names a registry that others cannot reach: {}", at(), line.trim()));
            }
            let is_setting = SETTINGS.iter().any(|name| path.ends_with(name));
            if is_setting && MIRROR_SETTINGS.iter().any(|setting| line.contains(setting)) {
                faults.push(format!("{}: sends everybody to one registry: {}", at(), line.trim()));
            }
        }
    }
    faults
}

/// Whether the folder is special enough that its name in a text can only mean this machine.
fn is_telling(root: &str) -> bool {
    let usual = ["/tmp/", "/workspace/", "/home/hearth/", "/srv/", "/usr/", "/app/"];
    root.matches('/').count() >= 2 && !usual.iter().any(|start| root.starts_with(start))
}

fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let next = line.get(start + folder.len()..).and_then(|rest| rest.chars().next());
        next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
    })
}

fn foreign_registry(line: &str) -> bool {
    let line = line.trim();
    let names_source = line.starts_with("source = ") || line.starts_with("\"resolved\":");
    names_source && line.contains("://") && !REGISTRIES.iter().any(|registry| line.contains(registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_writer_is_a_fault_and_longer_names_are_not() {
        let tree = Tree::made_of(&[
            ("a.md", "see /home/somebody/hearth/docs"),
            ("b.md", "see /home/somebody/hearthside"),
        ]);

        assert_eq!(faults(&tree, "/home/somebody/hearth"), ["a.md:1: names the folder it was written in"]);
    }

    #[test]
    fn usual_folders_tell_nothing() {
        let tree = Tree::made_of(&[("a.md", "clones lie in /workspace/project")]);

        assert_eq!(faults(&tree, "/workspace/project"), Faults::new());
    }

    #[test]
    fn lock_files_name_public_registries_only() {
        let tree = Tree::made_of(&[
            (
                "Cargo.lock",
                "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://example.com/x\"",
            ),
            (
                "ui/package-lock.json",
                "  \"resolved\": \"https://registry.npmjs.org/x.tgz\",\n  \"resolved\": \"https://mirror.example/x.tgz\",",
            ),
            ("ui/.npmrc", "registry=https://mirror.example/"),
        ]);

        assert_eq!(faults(&tree, "/").len(), 3);
    }
}
