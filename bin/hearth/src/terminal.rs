//! What commands print, and where: results on standard output, everything else on standard error.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use anyhow::Result;
use serde_json::Value;

use crate::cli::Global;

/// Prints lines of result. A reader that has gone away is not an error.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", harmless(text)).and_then(|()| out.flush()));
}

/// The same text without what steers a terminal or turns the direction of writing: titles, names and messages
/// come from forges, repositories and other people.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| match c {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    if text.contains(steers) {
        Cow::Owned(text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Prints raw bytes of a result.
pub fn print_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Prints one line for the person, not part of the result.
pub fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", harmless(text)));
}

/// Prints raw bytes beside the result.
pub fn note_bytes(bytes: &[u8]) {
    let mut err = std::io::stderr().lock();
    drop(err.write_all(bytes).and_then(|()| err.flush()));
}

/// Prints a document as JSON, or as the line made from it.
#[expect(clippy::unnecessary_wraps, reason = "every command ends with an exit code in a Result")]
pub fn show(global: &Global, document: &Value, line: impl FnOnce(&Value) -> String) -> Result<u8> {
    print(&if global.json { document.to_string() } else { line(document) });
    Ok(0)
}

/// Prints rows below headings, each column as wide as its widest cell.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) {
    let headings = headings.map(str::to_owned);
    let mut widths = [0; N];
    for row in rows.iter().chain([&headings]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in [&headings].into_iter().chain(rows) {
        let line: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        print(line.join("  ").trim_end());
    }
}

/// Reads a secret from standard input, without the line's end: it is never an argument, which others can read.
pub fn read_secret(what: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        note(&format!("{what}, then Enter and Ctrl-D:"));
    }
    let text = std::io::read_to_string(std::io::stdin().lock())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// Whether a person looks at a terminal.
pub fn is_interactive() -> bool {
    std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_others_wrote_steers_no_terminal() {
        let written = "a\u{1b}[2Jb\r\u{9b}0c\u{202e}d";
        assert_eq!(harmless(written), "a\u{fffd}[2Jb\u{fffd}\u{fffd}0c\u{fffd}d");
        assert_eq!(harmless("a\tb\nÜ 🦀"), "a\tb\nÜ 🦀");
        let everything: String = ('\0'..=char::MAX).collect();
        let left: Vec<char> = harmless(&everything).chars().filter(|c| c.is_control()).collect();
        assert_eq!(left, ['\t', '\n']);
    }
}
