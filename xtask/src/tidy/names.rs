//! Files are named after what is in them: names that could hold anything soon do.

use super::Faults;
use super::tree::Tree;

const BANNED: [&str; 9] =
    ["utils", "util", "helpers", "helper", "common", "types", "models", "manager", "misc"];

/// Checks the name of every source file and folder of ours.
pub(super) fn check(tree: &Tree) -> Faults {
    let mut faults = vec![];
    for path in tree.paths() {
        let Some((stem, ending)) = path.rsplit_once('.') else { continue };
        if !["rs", "ts", "tsx", "css"].contains(&ending) {
            continue;
        }
        if path.ends_with("/mod.rs") {
            faults.push(format!("{path}: write `foo.rs` beside `foo/`, not `foo/mod.rs`"));
        }
        if let Some(banned) = stem.split('/').find(|part| BANNED.contains(part)) {
            faults.push(format!("{path}: `{banned}` says nothing; name it after what is in it"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_faults() {
        let tree = Tree::made_of(&[
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/x/mod.rs", ""),
            ("ui/src/common/button.tsx", ""),
            ("ui/src/types.d.rs", ""),
        ]);

        assert_eq!(check(&tree).len(), 3);
    }

    #[test]
    fn names_that_only_contain_such_a_word_are_fine() {
        let tree = Tree::made_of(&[("crates/a/src/type_map.rs", ""), ("docs/common.md", "")]);

        assert_eq!(check(&tree), Faults::new());
    }
}
