//! Whether what Git asks about is a repository that we know: by its parts, never by how its text looks.

use domain::RepositoryUrl;
use percent_encoding::percent_decode_str;
use url::{Origin, Url};
use wire::agent::CredentialFor;

/// Longest address that is looked at.
const LONGEST: usize = 2048;

/// What Git asks about, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    origin: Origin,
    path: Vec<String>,
}

impl Asked {
    /// `None` for whatever is no plain address of a repository over HTTP.
    pub(super) fn read(wanted: &CredentialFor) -> Option<Self> {
        if !matches!(wanted.protocol.as_str(), "http" | "https") || wanted.host.len() > LONGEST {
            return None;
        }
        // What would end the host part early, or put a name before it.
        let is_host = |c: char| !c.is_whitespace() && !c.is_control() && !r"@/\?#%".contains(c);
        if wanted.host.is_empty() || !wanted.host.chars().all(is_host) {
            return None;
        }
        let url = Url::parse(&format!("{}://{}/", wanted.protocol, wanted.host)).ok()?;
        if !url.username().is_empty() || url.password().is_some() || url.path() != "/" {
            return None;
        }
        // Git has decoded it.
        let path = segments(wanted.path.as_deref().unwrap_or_default())?;
        Some(Self { origin: url.origin(), path })
    }

    /// Whether it is this repository, or the place of its large files.
    pub(super) fn is(&self, repository: &RepositoryUrl) -> bool {
        if !self.is_at(repository.as_url()) {
            return false;
        }
        let Ok(path) = percent_decode_str(repository.as_url().path()).decode_utf8() else { return false };
        let Some(own) = segments(&path).filter(|own| !own.is_empty()) else { return false };
        same(&self.path, &own) || without_large_files(&self.path).is_some_and(|path| same(path, &own))
    }

    /// Whether scheme, host and port are those of `url`.
    pub(super) fn is_at(&self, url: &Url) -> bool {
        self.origin.is_tuple() && self.origin == url.origin()
    }

    /// The path, for a message.
    pub(super) fn path(&self) -> String {
        self.path.join("/")
    }
}

/// The parts of a path, the last one without `.git`. `None` if it does not simply lead down.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > LONGEST {
        return None;
    }
    let path = path.trim_start_matches('/').trim_end_matches('/');
    if path.is_empty() {
        return Some(Vec::new());
    }
    let is_plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.chars().any(|c| c.is_control() || c == '\\' || c == '%' || c == ';')
    };
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        if !is_plain(part) {
            return None;
        }
        parts.push(part.to_owned());
    }
    if let Some(last) = parts.last_mut()
        && let Some(plain) = last.strip_suffix(".git").filter(|plain| !plain.is_empty())
    {
        *last = plain.to_owned();
    }
    Some(parts)
}

/// What stands before `/info/lfs…`, as Git LFS has it below a repository's address.
fn without_large_files(path: &[String]) -> Option<Vec<String>> {
    let at = path.windows(2).position(|two| matches!(two, [info, lfs] if info == "info" && lfs == "lfs"))?;
    let mut before = path.get(..at)?.to_vec();
    let last = before.last_mut()?;
    if let Some(plain) = last.strip_suffix(".git") {
        *last = plain.to_owned();
    }
    Some(before)
}

/// No forge tells repositories apart by case alone.
fn same(asked: impl AsRef<[String]>, own: &[String]) -> bool {
    let asked = asked.as_ref();
    asked.len() == own.len() && asked.iter().zip(own).all(|(one, other)| one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests;
