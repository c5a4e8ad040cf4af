//! The files that belong to the project: what git tracks or would track.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::{project, shell};

/// Every file of the project by its path from the root, with its text where it is text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the project's own tree.
    pub(crate) fn of_project() -> Result<Self> {
        let root = project::root();
        let mut git = shell::command("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = shell::read(&mut git).context("cannot list the project's files")?;
        let read = |path: &str| {
            let bytes = std::fs::read(root.join(path)).ok()?;
            Some((path.to_owned(), String::from_utf8(bytes).ok()))
        };
        // A file that is deleted but not yet committed so is listed and cannot be read: not there.
        Ok(Self { files: listed.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect() })
    }

    /// All paths, sorted.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// All text files, sorted by path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether a file or folder of this path is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.paths().any(|file| file.starts_with(&folder))
    }

    /// A tree made for a test.
    #[cfg(test)]
    pub(crate) fn made_of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), Some((*text).to_owned()));
        Self { files: files.iter().map(file).collect() }
    }
}

/// What follows the last dot of a path.
pub(crate) fn ending(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Whether a Rust or TypeScript file is a test by where it lies or how it is called. `ui/dev` is the
/// stand-in for the server that the UI is tried against.
pub(crate) fn is_test(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let name = parts.last().copied().unwrap_or_default();
    let in_test_folder =
        parts.iter().rev().skip(1).any(|part| ["tests", "test", "e2e", "benches"].contains(part));
    in_test_folder
        || path.starts_with("ui/dev/")
        || name == "tests.rs"
        || name.contains(".test.")
        || name.contains(".spec.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_folder_or_name() {
        for path in [
            "crates/a/tests/it/x.rs",
            "crates/a/src/x/tests.rs",
            "ui/src/x.test.ts",
            "ui/e2e/x.ts",
            "tests/src/lib.rs",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in ["crates/a/src/x.rs", "ui/src/x.ts", "crates/testkit/src/clock.rs"] {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn folders_exist_through_their_files() {
        let tree = Tree::made_of(&[("docs/a.md", "")]);

        assert!(tree.has("docs") && tree.has("docs/") && tree.has("docs/a.md"));
        assert!(!tree.has("doc") && !tree.has("docs/b.md"));
    }
}
