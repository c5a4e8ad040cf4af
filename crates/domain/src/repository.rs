//! Where code lives: the address of a Git repository and the names of what is in it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::context::RefKind;

/// The text does not address a Git repository over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepository {
    /// Not a URL at all.
    #[error(
        "`{0}` is not a URL; paste the address of a repository, such as `https://gitlab.com/group/project`"
    )]
    NotAUrl(String),
    /// A scheme this version cannot clone from.
    #[error("cannot clone over `{0}`; paste the `https://` address of the repository")]
    Scheme(String),
    /// No repository in it.
    #[error(
        "`{0}` names no repository; paste the address of a repository, such as `https://gitlab.com/group/project`"
    )]
    NoPath(String),
    /// Carries a user name or password.
    #[error("the URL carries a user name or password; take it out, so that it is stored nowhere")]
    Credentials,
    /// Longer than any browser sends.
    #[error("the URL is longer than 4096 bytes")]
    TooLong,
}

/// The address of a Git repository over HTTP(S), without credentials, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RepositoryUrl(Url);

impl RepositoryUrl {
    /// The parsed URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Host and port that a clone talks to.
    pub fn authority(&self) -> (String, u16) {
        let host = self.0.host_str().unwrap_or_default().to_owned();
        (host, self.0.port_or_known_default().unwrap_or(443))
    }

    /// Last part of the path without `.git`: the folder a clone makes. Never empty, never a path.
    pub fn short_name(&self) -> String {
        let last = self.0.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
        let name = last.unwrap_or_default();
        let name = name.strip_suffix(".git").unwrap_or(name);
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
            .take(100)
            .collect();
        let name = name.trim_start_matches(['.', '-']);
        if name.is_empty() { "repository".into() } else { name.to_owned() }
    }
}

impl FromStr for RepositoryUrl {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        let text = text.trim();
        let shown = || text.chars().take(200).collect::<String>();
        if text.len() > 4096 {
            return Err(InvalidRepository::TooLong);
        }
        let is_scp_like =
            !text.contains("://") && text.split_once(':').is_some_and(|(host, _)| host.contains('@'));
        if is_scp_like {
            return Err(InvalidRepository::Scheme("ssh".into()));
        }
        let mut url = Url::parse(text).map_err(|_| InvalidRepository::NotAUrl(shown()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidRepository::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidRepository::Credentials);
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        if path.is_empty() {
            return Err(InvalidRepository::NoPath(shown()));
        }
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl From<RepositoryUrl> for String {
    fn from(url: RepositoryUrl) -> String {
        url.0.into()
    }
}

impl TryFrom<String> for RepositoryUrl {
    type Error = InvalidRepository;

    fn try_from(text: String) -> Result<Self, InvalidRepository> {
        text.parse()
    }
}

/// The text cannot name a branch, tag or commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a branch, tag or commit")]
pub struct InvalidRef(String);

/// The name of a branch, a tag or a commit, as `git check-ref-format --allow-onelevel` accepts it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RefName(String);

impl RefName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be a full SHA-1 or SHA-256 commit id.
    pub fn is_commit_id(&self) -> bool {
        matches!(self.0.len(), 40 | 64) && self.0.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

impl FromStr for RefName {
    type Err = InvalidRef;

    /// The ten rules of git-check-ref-format(1).
    fn from_str(text: &str) -> Result<Self, InvalidRef> {
        let bad = text.is_empty()
            || text.len() > 250
            || text == "@"
            || text.starts_with(['-', '/'])
            || text.ends_with(['/', '.'])
            || text.contains("..")
            || text.contains("//")
            || text.contains("@{")
            || text.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
            || text.split('/').any(|part| {
                part.starts_with('.')
                    || std::path::Path::new(part).extension().is_some_and(|extension| extension == "lock")
            });
        if bad { Err(InvalidRef(text.chars().take(100).collect())) } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RefName> for String {
    fn from(name: RefName) -> String {
        name.0
    }
}

impl TryFrom<String> for RefName {
    type Error = InvalidRef;

    fn try_from(text: String) -> Result<Self, InvalidRef> {
        text.parse()
    }
}

/// What a workspace is made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The repository.
    pub repository: RepositoryUrl,
    /// What to check out; the repository's default branch where absent.
    #[serde(rename = "ref")]
    pub reference: Option<RefName>,
    /// What else is known about it; nothing where only an address was given.
    #[serde(default)]
    pub checkout: Checkout,
}

/// How the clone is left, beyond a plain checkout of a ref.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checkout {
    /// What kind of name the ref is; git decides where absent.
    #[serde(default)]
    pub ref_kind: Option<RefKind>,
    /// The commit to check out, detached, where no ref is named; else what the ref stood for when it was asked.
    #[serde(default)]
    pub revision: Option<String>,
    /// A new branch to make from what was checked out.
    #[serde(default)]
    pub local_branch: Option<RefName>,
    /// Becomes the remote `upstream`.
    #[serde(default)]
    pub upstream: Option<RepositoryUrl>,
    /// The branch of `upstream` that a merge request leads to.
    #[serde(default)]
    pub upstream_branch: Option<RefName>,
    /// File or folder to show first.
    #[serde(default)]
    pub path: Option<String>,
    /// Title of the merge request or issue, for people.
    #[serde(default)]
    pub title: Option<String>,
}
