//! A child's output as lines of text, whatever pieces it is read in.

use bytes::{Buf, BytesMut};

/// Longest line. A longer one comes in pieces of at most this many bytes, cut between characters.
pub(super) const LINE_MAX: usize = 64 << 10;

/// Bytes that are not a whole line yet. Never more than a line and what was pushed last.
#[derive(Default)]
pub(super) struct Lines {
    bytes: BytesMut,
    /// How many of `bytes` are known to hold no line end.
    searched: usize,
}

impl Lines {
    /// Where the next bytes go.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// The next line that is whole, without its end (`\n` or `\r\n`). Bytes that are not UTF-8 are replaced.
    pub(super) fn next(&mut self) -> Option<String> {
        let unknown = self.bytes.get(self.searched..).unwrap_or_default();
        let end = unknown.iter().position(|byte| *byte == b'\n').map(|at| at + self.searched);
        match end {
            Some(end) if end <= LINE_MAX => {
                let line = self.take(end);
                self.bytes.advance(1);
                Some(text(line.strip_suffix(b"\r").unwrap_or(&line)))
            }
            _ if self.bytes.len() > LINE_MAX => {
                let piece = self.take(border(&self.bytes, LINE_MAX));
                Some(text(&piece))
            }
            _ => {
                self.searched = self.bytes.len();
                None
            }
        }
    }

    /// What is left when nothing more comes: a last line without an end.
    pub(super) fn finish(&mut self) -> Option<String> {
        self.next().or_else(|| {
            let rest = self.take(self.bytes.len());
            (!rest.is_empty()).then(|| text(&rest))
        })
    }

    fn take(&mut self, count: usize) -> BytesMut {
        self.searched = 0;
        self.bytes.split_to(count)
    }
}

/// The last place at or before `at` that is not inside a character; `at` itself if these are no characters.
fn border(bytes: &[u8], at: usize) -> usize {
    let is_inside = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    (at.saturating_sub(3)..=at).rev().find(|at| !is_inside(*at)).unwrap_or(at)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
