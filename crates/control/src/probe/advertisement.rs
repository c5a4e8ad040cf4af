//! Reads what a forge answers to `GET …/info/refs?service=git-upload-pack`, piece by piece.
//!
//! Pure. The format is git's smart HTTP protocol, version 0 and 1 (gitprotocol-http(5)): packets of
//! four hexadecimal digits of length and a payload; first the service, then one ref a packet, the
//! first with the capabilities behind a NUL.

/// Longest packet of the protocol (gitprotocol-common(5)).
const PACKET_MAX: usize = 65_520;
/// Refs kept to suggest near names; a repository with more is told about the first ones only.
const NAMES_KEPT: usize = 20_000;

/// The answer is not git's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotGit;

/// What is known of a repository's refs so far. Fed with the answer's bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Advertisement {
    unread: Vec<u8>,
    packets: usize,
    is_finished: bool,
    /// Branches and tags, without `refs/heads/` and `refs/tags/`.
    names: Vec<String>,
    /// The commits they are at, for a reference that is a commit.
    commits: Vec<String>,
}

impl Advertisement {
    /// Takes in the next bytes.
    ///
    /// # Errors
    ///
    /// [`NotGit`] as soon as it cannot be git's answer: a sign-in page, for instance.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), NotGit> {
        self.unread.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some(rest) = self.unread.get(taken..) {
            let Some(length) = rest.first_chunk::<4>() else { break };
            let length = parse_length(*length).ok_or(NotGit)?;
            // 0 is the flush packet, which ends a section; 1 to 3 belong to version 2, not asked for.
            let payload = match length {
                0 => {
                    taken += 4;
                    // The first one only ends the line that names the service.
                    self.is_finished = self.packets > 1;
                    continue;
                }
                1..4 => return Err(NotGit),
                length if length > PACKET_MAX => return Err(NotGit),
                length => match rest.get(4..length) {
                    Some(payload) => payload.to_vec(),
                    None => break,
                },
            };
            taken += length;
            self.packet(&payload)?;
        }
        self.unread.drain(..taken);
        // A page that is no git answer must not be collected in the hope of a packet's end.
        if self.unread.len() > PACKET_MAX { Err(NotGit) } else { Ok(()) }
    }

    /// Whether everything has been read.
    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Whether it is certain by now that this is a git repository.
    pub(crate) fn is_git(&self) -> bool {
        self.packets > 0
    }

    /// Whether a branch, tag or full ref of this name, or a commit at the tip of one, is there.
    pub(crate) fn has(&self, reference: &str) -> bool {
        let short = short_name(reference).unwrap_or(reference);
        self.names.iter().any(|name| name == short) || self.commits.iter().any(|commit| commit == reference)
    }

    /// Whether every name was kept, so that what is not among them is not there.
    pub(crate) fn is_whole(&self) -> bool {
        self.names.len() < NAMES_KEPT
    }

    /// Names of branches and tags.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    fn packet(&mut self, payload: &[u8]) -> Result<(), NotGit> {
        self.packets += 1;
        let text = String::from_utf8_lossy(payload);
        let text = text.trim_end_matches('\n');
        if self.packets == 1 {
            return if text == "# service=git-upload-pack" { Ok(()) } else { Err(NotGit) };
        }
        // `version 1` comes first in protocol 1; capabilities follow the first ref behind a NUL.
        let text = text.split('\0').next().unwrap_or_default();
        let Some((commit, name)) = text.split_once(' ') else { return Ok(()) };
        if self.names.len() < NAMES_KEPT
            && let Some(name) = short_name(name)
            && !name.ends_with("^{}")
        {
            self.names.push(name.to_owned());
            self.commits.push(commit.to_owned());
        }
        Ok(())
    }
}

fn parse_length(digits: [u8; 4]) -> Option<usize> {
    // `from_str_radix` takes a sign, git does not.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
}

fn short_name(name: &str) -> Option<&str> {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"))
}

#[cfg(test)]
mod tests;
