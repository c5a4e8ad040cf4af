//! Running test runners: their output is passed on as it comes, and counted.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::shell;
use crate::steps::{Found, Tally};

/// Runs a test runner and counts what it reports.
pub(crate) fn run(command: &mut Command) -> Result<Found> {
    println!("$ {}", shell::shown(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{}`", shell::shown(command)))?;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let readers = [
        child.stdout.take().map(|out| pass_on(out, std::io::stdout(), Arc::clone(&tally))),
        child.stderr.take().map(|out| pass_on(out, std::io::stderr(), Arc::clone(&tally))),
    ];
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", shell::shown(command)))?;
    for reader in readers.into_iter().flatten() {
        // A reader that panicked has printed why; the count is then short, which the status decides.
        let _gone = reader.join();
    }
    let tally = *tally.lock().unwrap_or_else(PoisonError::into_inner);
    let failure = if status.success() {
        (tally == Tally::default()).then(|| format!("`{}` reported no tests", shell::shown(command)))
    } else {
        Some(format!("`{}` ended with {status}", shell::shown(command)))
    };
    Ok(Found { tally, skips: vec![], failure })
}

fn pass_on(
    from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    tally: Arc<Mutex<Tally>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = vec![];
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            // A closed output is no reason to stop the tests.
            let _ignored = to.write_all(&line).and_then(|()| to.flush());
            let counted = count_line(&without_colours(&String::from_utf8_lossy(&line)));
            tally.lock().unwrap_or_else(PoisonError::into_inner).add(counted);
            line.clear();
        }
    })
}

/// What one line of a runner's output reports: of nextest, of cargo test, of vitest, of Playwright.
fn count_line(line: &str) -> Tally {
    let line = line.trim();
    let is_total = ["Summary [", "test result:", "Tests  "].iter().any(|start| line.starts_with(start));
    if is_total {
        return count_words(line);
    }
    // Playwright ends with one line for each outcome: `8 passed (23.1s)`.
    let mut words = line.split(' ');
    let number = words.next().is_some_and(|word| word.parse::<u32>().is_ok());
    let outcome = words.next().is_some_and(|word| ["passed", "failed", "skipped", "flaky"].contains(&word));
    let rest_is_time = words.next().is_none_or(|word| word.starts_with('('));
    if number && outcome && rest_is_time { count_words(line) } else { Tally::default() }
}

/// Adds up every `12 passed`, `1 failed`, `3 skipped` of a line.
fn count_words(line: &str) -> Tally {
    let mut tally = Tally::default();
    let words: Vec<&str> = line.split([' ', ',', ';', '|']).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        let [number, word] = pair else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        match *word {
            "passed" => tally.passed += number,
            "failed" | "timed" | "exec" | "flaky" => tally.failed += number,
            "skipped" | "ignored" => tally.skipped += number,
            _ => {}
        }
    }
    tally
}

/// Takes terminal colour sequences out of a line.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u32, failed: u32, skipped: u32) {
        assert_eq!(count_line(&without_colours(line)), Tally { passed, failed, skipped }, "{line}");
    }

    #[test]
    fn totals_of_every_runner_are_understood() {
        check("     Summary [   1.234s] 45 tests run: 44 passed (1 slow), 1 failed, 3 skipped", 44, 1, 3);
        check("     Summary [   9.9s] 5 tests run: 3 passed, 1 failed, 1 timed out, 0 skipped", 3, 2, 0);
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1s",
            3,
            0,
            1,
        );
        check("      Tests  1 failed | 44 passed | 2 skipped (47)", 44, 1, 2);
        check("  8 passed (23.1s)", 8, 0, 0);
        check("  1 failed", 0, 1, 0);
        check("  2 skipped", 0, 0, 2);
    }

    #[test]
    fn colours_do_not_hide_a_total() {
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   1.2s] 2 tests run: \u{1b}[1m2\u{1b}[0m passed, 0 skipped",
            2,
            0,
            0,
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        check("        PASS [   0.004s] domain names::three_passed", 0, 0, 0);
        check(" Test Files  2 passed (2)", 0, 0, 0);
        check("3 failed attempts were made", 0, 0, 0);
    }
}
