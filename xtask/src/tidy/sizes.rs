//! Files stay short: at most [`LIMIT`] lines of Rust or TypeScript that is not a test.
//!
//! `xtask/oversized.txt` lists the exceptions with their size. An entry that is larger than its file
//! is a fault as well, so the list can only shrink.

use super::Faults;
use super::tree::{Tree, ending, is_test};

/// Most lines of a file. More is a prompt to look for the second idea in it.
const LIMIT: usize = 400;
const EXCEPTIONS: &str = "xtask/oversized.txt";

/// Checks every source file against the limit and the list of exceptions.
pub(super) fn check(tree: &Tree) -> Faults {
    let mut faults = vec![];
    let exceptions = exceptions(tree, &mut faults);
    for (path, text) in tree.texts().filter(|(path, text)| counts(path, text)) {
        let lines = production_lines(path, text);
        match exceptions.iter().find(|(_, name)| name == path) {
            Some((most, _)) if lines > *most => {
                faults.push(format!("{path}: {lines} lines, {most} in {EXCEPTIONS}; exceptions only shrink"));
            }
            Some((most, _)) if lines < *most => {
                let now = if lines > LIMIT { format!("write {lines}") } else { "take it out".into() };
                faults.push(format!("{path}: {lines} lines, {most} in {EXCEPTIONS}; {now}"));
            }
            None if lines > LIMIT => {
                faults
                    .push(format!("{path}: {lines} lines, the limit is {LIMIT}; find the second idea in it"));
            }
            Some(_) | None => {}
        }
    }
    for (_, path) in exceptions.iter().filter(|(_, path)| !tree.has(path)) {
        faults.push(format!("{EXCEPTIONS}: `{path}` does not exist; take it out"));
    }
    faults
}

fn exceptions(tree: &Tree, faults: &mut Faults) -> Vec<(usize, String)> {
    let mut list = vec![];
    for line in tree.text(EXCEPTIONS).unwrap_or_default().lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once(' ').and_then(|(number, path)| Some((number.parse().ok()?, path.trim()))) {
            Some((number, path)) => list.push((number, path.to_owned())),
            None => faults.push(format!("{EXCEPTIONS}: `{line}` is not `<lines> <path>`")),
        }
    }
    list
}

/// Whether the limit is for this file: source, not a test, not generated.
fn counts(path: &str, text: &str) -> bool {
    let is_source = ["rs", "ts", "tsx"].contains(&ending(path)) && !path.ends_with(".d.ts");
    let is_generated = text.lines().take(10).any(|line| {
        let line = line.to_lowercase();
        line.contains("auto-generated") || line.contains("@generated")
    });
    is_source && !is_generated && !is_test(path)
}

/// Lines before a trailing inline module of tests.
fn production_lines(path: &str, text: &str) -> usize {
    let all = text.lines().count();
    if ending(path) != "rs" {
        return all;
    }
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| matches!(pair, ["#[cfg(test)]", module] if module.starts_with("mod ")));
    tests.unwrap_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(lines: usize) -> String {
        "x\n".repeat(lines)
    }

    #[test]
    fn a_file_over_the_limit_is_a_fault_and_one_at_it_is_not() {
        let tree =
            Tree::made_of(&[("a.rs", &long(LIMIT)), ("b.rs", &long(LIMIT + 1)), ("c.tsx", &long(LIMIT + 1))]);

        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn tests_and_generated_files_do_not_count() {
        let inline = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", long(LIMIT), long(900));
        let generated = format!("// This file was auto-generated.\n{}", long(900));
        let tree = Tree::made_of(&[
            ("a.rs", inline.as_str()),
            ("src/x/tests.rs", &long(900)),
            ("ui/src/schema.ts", &generated),
            ("notes.md", &long(900)),
        ]);

        assert_eq!(check(&tree), Faults::new());
    }

    #[test]
    fn an_exception_holds_exactly_as_long_as_it_is_true() {
        let of = |lines: usize, entry: &str| {
            let text = long(lines);
            check(&Tree::made_of(&[("big.rs", text.as_str()), (EXCEPTIONS, entry)]))
        };

        assert_eq!(of(500, "# why\n500 big.rs\n"), Faults::new());
        assert_eq!(of(501, "500 big.rs").len(), 1);
        assert_eq!(of(450, "500 big.rs").len(), 1);
        assert_eq!(of(400, "500 big.rs").len(), 1);
        assert_eq!(of(400, "500 gone.rs").len(), 1);
        assert_eq!(of(400, "many big.rs").len(), 1);
    }
}
