//! Lines out of bytes that come in pieces.

/// Longest piece of a line.
pub(super) const LONGEST: usize = 64 << 10;

/// A line that is not complete yet.
#[derive(Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes bytes in, and gives the lines that are complete now.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.last() == Some(&b'\n') {
                self.begun.pop();
                if self.begun.last() == Some(&b'\r') {
                    self.begun.pop();
                }
                self.cut(&mut lines);
                lines.push(text(&std::mem::take(&mut self.begun)));
            } else {
                self.cut(&mut lines);
            }
        }
        lines
    }

    /// Gives what there is of a line that will not be completed.
    pub(super) fn end(&mut self) -> Option<String> {
        let begun = std::mem::take(&mut self.begun);
        (!begun.is_empty()).then(|| text(&begun))
    }

    /// Cuts what is too long for one piece, between two characters where there are any.
    fn cut(&mut self, lines: &mut Vec<String>) {
        while self.begun.len() > LONGEST {
            let rest = self.begun.split_off(boundary(&self.begun));
            lines.push(text(&std::mem::replace(&mut self.begun, rest)));
        }
    }
}

/// The last place up to the longest piece where a character begins: a byte that does not continue one.
fn boundary(bytes: &[u8]) -> usize {
    (LONGEST - 3..=LONGEST)
        .rev()
        .find(|at| bytes.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80))
        .unwrap_or(LONGEST)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
