//! Git's words on standard error: progress that overwrites itself, and lines that stay.

/// Longest line passed on; a remote's messages are anybody's text.
const LINE_MAX: usize = 2_000;

/// One thing git said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Progress { phase: String, percent: u8, detail: String },
    Line(String),
}

/// Cuts bytes into what was said.
#[derive(Default)]
pub(super) struct Lines {
    unfinished: Vec<u8>,
    /// The progress told last: the same percentage is not told twice.
    told: Option<(String, u8)>,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.unfinished);
                    said.extend(self.judge(&line, *byte == b'\n'));
                }
                _ if self.unfinished.len() < LINE_MAX => self.unfinished.push(*byte),
                _ => {}
            }
        }
        said
    }

    fn judge(&mut self, line: &[u8], stays: bool) -> Option<Said> {
        let text = String::from_utf8_lossy(line);
        // Remotes end their lines with a terminal's "erase the rest".
        let text = text.trim_end_matches("\u{1b}[K").trim_end();
        if let Some((phase, percent, detail)) = parse(text) {
            let key = (phase.clone(), percent);
            if self.told.as_ref() == Some(&key) && !stays {
                return None;
            }
            self.told = Some(key);
            return Some(Said::Progress { phase, percent, detail });
        }
        // What is overwritten in a moment and has no percentage is not worth a line. Where git clones
        // into is our draft, which nobody needs to know.
        let is_worth = stays && !text.is_empty() && !text.starts_with("Cloning into ");
        is_worth.then(|| Said::Line(text.to_owned()))
    }
}

/// `Receiving objects:  50% (6/12), 1.20 MiB | 3.10 MiB/s`, with or without `, done.`
fn parse(text: &str) -> Option<(String, u8, String)> {
    let text = text.strip_prefix("remote: ").unwrap_or(text);
    let (phase, rest) = text.split_once(": ")?;
    let (percent, rest) = rest.split_once('%')?;
    let percent = percent.trim().parse().ok().filter(|percent| *percent <= 100)?;
    let (count, rest) = rest.trim_start().strip_prefix('(')?.split_once(')')?;
    let rest = rest.strip_suffix(", done.").unwrap_or(rest).trim_start_matches([',', ' ']);
    Some((phase.to_owned(), percent, if rest.is_empty() { count } else { rest }.to_owned()))
}

#[cfg(test)]
mod tests;
