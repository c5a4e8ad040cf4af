//! What commands print, and where: results on standard output, everything else on standard error.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use serde_json::Value;

use crate::cli::Global;

/// Prints one line of result. A reader that has gone away is not an error.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Prints raw bytes of a result.
pub fn print_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Prints one line for the person, not part of the result.
pub fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
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

/// Whether a person looks at a terminal.
pub fn is_interactive() -> bool {
    std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}
