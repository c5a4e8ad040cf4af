//! Documents stay true: every path and test they name exists, and every link between them leads somewhere.

use std::collections::BTreeSet;

use super::Faults;
use super::tree::{Tree, ending};

/// Names at the top of the tree; a back-quoted text that begins with one and a slash is a path.
const TOP: [&str; 11] =
    ["crates", "bin", "tests", "xtask", "ui", "deploy", "docs", "bench", ".ci", ".config", ".cargo"];

/// Checks paths in the documents and relative links between them.
pub(super) fn check(tree: &Tree) -> Faults {
    let mut faults = vec![];
    if !tree.has("ARCHITECTURE.md") {
        faults.push("ARCHITECTURE.md is missing".into());
    }
    let tests = test_names(tree);
    for (document, text) in tree.texts().filter(|(path, _)| is_ours(path)) {
        for name in quoted_tests(text).filter(|name| !tests.contains(name)) {
            faults.push(format!("{document}: there is no test `{name}`"));
        }
        for path in quoted_paths(text).filter(|path| !tree.has(path)) {
            faults.push(format!("{document}: `{path}` does not exist"));
        }
        for link in links(text) {
            let path = resolve(document, link);
            if !tree.has(&path) {
                faults.push(format!("{document}: the link to `{link}` leads nowhere"));
            }
        }
    }
    faults
}

fn is_ours(path: &str) -> bool {
    let is_document = path.rsplit_once('.').is_some_and(|(_, ending)| ending == "md");
    is_document && (!path.contains('/') || path.starts_with("docs/") || path.starts_with("bench/"))
}

/// Back-quoted paths, without what git does not keep and without patterns.
fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|path| {
        let top = path.split_once('/').map_or("", |(top, _)| top);
        let built = ["ui/dist", "ui/node_modules"].iter().any(|folder| path.starts_with(folder));
        TOP.contains(&top) && !built && !path.contains(['*', '{', '<', ' ', '…', '\n', '$'])
    })
}

/// Back-quoted names of tests: ours are sentences, so they have three underscores and more.
fn quoted_tests(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(move |name| name.matches('_').count() >= 3 && name.chars().all(is_word))
}

/// Every function of the tree's Rust files that could be meant.
fn test_names(tree: &Tree) -> BTreeSet<&str> {
    let sources = tree.texts().filter(|(path, _)| ending(path) == "rs");
    let functions = sources.flat_map(|(_, text)| text.split("fn ").skip(1));
    functions.filter_map(|rest| rest.split_once('(').map(|(name, _)| name)).collect()
}

/// Targets of `[text](target)` that are files of ours.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let targets = targets.map(|target| target.split('#').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

/// The path from the root of a link in a document.
fn resolve(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_is_a_fault() {
        let tree = Tree::made_of(&[
            (
                "ARCHITECTURE.md",
                "see `crates/a/src/lib.rs`, `crates/b`, `target/x`, `crates/*/tests`, `a / b`",
            ),
            ("crates/a/src/lib.rs", ""),
        ]);

        assert_eq!(check(&tree), ["ARCHITECTURE.md: `crates/b` does not exist"]);
    }

    #[test]
    fn links_are_followed_from_where_they_are() {
        let tree = Tree::made_of(&[
            ("ARCHITECTURE.md", "[a](docs/a.md#part) [web](https://example.com/x) [gone](docs/gone.md)"),
            ("docs/a.md", "[up](../ARCHITECTURE.md) [side](b.md)"),
        ]);

        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn a_test_that_does_not_exist_is_a_fault() {
        let tree = Tree::made_of(&[
            ("ARCHITECTURE.md", "`a_door_is_closed` and `a_door_is_open`; `memory_bytes` is a field"),
            ("crates/a/src/lib.rs", "fn a_door_is_closed() {}"),
        ]);

        assert_eq!(check(&tree), ["ARCHITECTURE.md: there is no test `a_door_is_open`"]);
    }

    #[test]
    fn a_tree_without_the_document_is_a_fault() {
        assert_eq!(check(&Tree::made_of(&[])).len(), 1);
    }
}
