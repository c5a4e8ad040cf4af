//! No forgotten modules: a file that no `mod` line names is not compiled, and its tests never run.

use super::Faults;
use super::tree::{Tree, ending};

/// Checks that every Rust file is declared by its parent.
pub(super) fn check(tree: &Tree) -> Faults {
    let mut faults = vec![];
    for path in tree.paths().filter(|path| ending(path) == "rs") {
        let Some((parents, name)) = parents(path) else { continue };
        let declared =
            parents.iter().filter_map(|parent| tree.text(parent)).any(|text| declares(text, &name));
        if !declared {
            faults.push(format!("{path}: no `mod {name};` in {}", parents.join(" or ")));
        }
    }
    faults
}

/// The files that could declare this one, and the name they would use; nothing for roots.
fn parents(path: &str) -> Option<(Vec<String>, String)> {
    let (folder, file) = path.rsplit_once('/')?;
    let name = file.strip_suffix(".rs")?;
    let is_program = ["bin", "examples", "benches"].iter().any(|end| folder.ends_with(&format!("/{end}")));
    let is_build_script = name == "build" && !folder.split('/').any(|part| part == "src");
    if is_program || is_build_script {
        return None;
    }
    // An example of several files is a folder with a root of its own.
    let is_example = folder.rsplit_once('/').is_some_and(|(above, _)| above.ends_with("/examples"));
    let is_root = folder.ends_with("/src") || folder.ends_with("tests/it") || is_example;
    if is_root {
        let parents = vec![format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
        return (!["main", "lib"].contains(&name)).then(|| (parents, name.to_owned()));
    }
    Some((vec![format!("{folder}.rs")], name.to_owned()))
}

/// Whether the text has a line `mod name;`, with any visibility.
fn declares(text: &str, name: &str) -> bool {
    let wanted = format!("mod {name};");
    text.lines().map(str::trim).any(|line| {
        line == wanted || line.starts_with("pub") && line.ends_with(&wanted) && !line.contains("//")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_mod_line_is_a_fault() {
        let tree = Tree::made_of(&[
            ("crates/a/src/lib.rs", "mod one;\npub(crate) mod two;\n// mod three;\n"),
            ("crates/a/src/one.rs", "mod inner;"),
            ("crates/a/src/one/inner.rs", ""),
            ("crates/a/src/two.rs", ""),
            ("crates/a/src/three.rs", ""),
            ("crates/a/src/one/lost.rs", ""),
        ]);

        let faults = check(&tree);

        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("lost.rs") && faults[1].contains("three.rs"), "{faults:?}");
    }

    #[test]
    fn a_forgotten_test_file_is_a_fault() {
        let tree = Tree::made_of(&[
            ("crates/a/tests/it/main.rs", "mod kept;\n"),
            ("crates/a/tests/it/kept.rs", ""),
            ("crates/a/tests/it/forgotten.rs", ""),
        ]);

        assert_eq!(check(&tree).len(), 1);
    }

    #[test]
    fn programs_and_build_scripts_need_no_parent() {
        let tree = Tree::made_of(&[
            ("crates/a/build.rs", ""),
            ("crates/a/src/bin/tool.rs", ""),
            ("crates/a/src/main.rs", ""),
            ("crates/a/examples/show.rs", ""),
            ("crates/a/examples/large/main.rs", "mod part;"),
            ("crates/a/examples/large/part.rs", ""),
        ]);

        assert_eq!(check(&tree), Faults::new());
    }
}
