//! A line of `authorized_keys` (sshd(8)): options, key, comment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use ssh_key::{Algorithm, HashAlg, PublicKey};

/// Longest line that is read as a key. An RSA key of 16384 bits makes one of 3 KiB; options may add some.
pub(super) const LINE_MAX: usize = 16 << 10;

/// A public key as a line has it.
#[derive(Debug)]
pub(super) struct Key {
    public: PublicKey,
    blob: Vec<u8>,
    /// What stands behind it; often a mail address.
    pub(super) comment: String,
}

impl Key {
    /// Reads a line, with options in front or not; `None` if there is no key in it.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.len() > LINE_MAX || line.is_empty() || line.starts_with('#') || has_control(line) {
            return None;
        }
        Self::without_options(line).or_else(|| Self::without_options(behind_options(line)?))
    }

    fn without_options(text: &str) -> Option<Self> {
        let (algorithm, rest) = text.split_once([' ', '\t'])?;
        let rest = rest.trim_start();
        let (base64, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let key = PublicKey::from_openssh(&format!("{algorithm} {base64}")).ok()?;
        // Anything `name@example.com` could be an algorithm; sshd knows no such one, and no certificates here.
        if matches!(key.algorithm(), Algorithm::Other(_)) {
            return None;
        }
        let blob = key.to_bytes().ok()?;
        // What the line says and nothing behind it: sshd compares whole blobs.
        if STANDARD.decode(base64).ok()? != blob {
            return None;
        }
        Some(Self { public: key, blob, comment: comment.trim().to_owned() })
    }

    /// Whether the two are the same key, whatever their comments.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.blob == other.blob
    }

    /// As `ssh-keygen -l` shows it: `SHA256:…`.
    pub(super) fn fingerprint(&self) -> String {
        self.public.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether this is its fingerprint in any of the usual forms: `SHA256:…` with or without padding,
    /// `MD5:16:27:…`, `16:27:…`.
    pub(super) fn has_fingerprint(&self, text: &str) -> bool {
        let text = text.trim();
        if text.strip_prefix("SHA256:").is_some() {
            return text.trim_end_matches('=') == self.fingerprint();
        }
        let wanted = text.strip_prefix("MD5:").unwrap_or(text);
        wanted.eq_ignore_ascii_case(&self.md5())
    }

    fn md5(&self) -> String {
        let digest = Md5::digest(&self.blob);
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
    }
}

/// Whether there is anything in it that would end the line or cannot be shown.
fn has_control(line: &str) -> bool {
    line.contains(|character: char| character.is_control() && character != '\t')
}

/// What comes after the first field, in which blanks may stand between quotation marks.
fn behind_options(line: &str) -> Option<&str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' if !is_escaped => is_quoted = !is_quoted,
            ' ' | '\t' if !is_quoted => return line.get(at..).map(str::trim_start),
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    None
}

#[cfg(test)]
mod tests;
