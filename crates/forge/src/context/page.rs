//! Pages: what the path of an address says, as data, without asking the forge.

mod azure_devops;
mod bitbucket_cloud;
mod bitbucket_server;
mod gitea;
mod github;
mod gitlab;

use domain::{ForgeKind, RefKind};

use super::ContextError;
use super::address::Query;
use super::error::{bad_commit, no_repository};

/// A page of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How it can be read, to be tried in this order until the repository exists. One nearly always; more
    /// only for old GitLab addresses, which do not show where the project ends. Never empty.
    pub readings: Vec<Reading>,
}

/// One way to read an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The path of the repository, without `.git`: `group`, `subgroup`, `project`; for Azure DevOps
    /// `organisation`, `project`, `repository`; for Bitbucket Data Center `KEY` or `~user`, `repository`.
    pub repository: Vec<String>,
    /// What of it is shown.
    pub view: View,
}

/// What of a repository a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Its default branch.
    Home {
        /// A file or folder in it.
        path: Vec<String>,
    },
    /// A ref and a path in it, which only the forge can tell apart.
    Tree {
        /// The parts of both, at least one.
        rest: Vec<String>,
        /// What kind of name the ref is, if that is told.
        ref_kind: Option<RefKind>,
        /// How it is shown.
        look: Look,
    },
    /// A ref that is named exactly.
    Named {
        /// Its name.
        name: String,
        /// What kind of name it is, if that is told.
        ref_kind: Option<RefKind>,
        /// A file or folder in it.
        path: Vec<String>,
    },
    /// A commit.
    Commit {
        /// Its id, 7 to 64 hexadecimal digits in lower case.
        sha: String,
        /// A file or folder in it.
        path: Vec<String>,
    },
    /// A merge or pull request.
    MergeRequest(u64),
    /// An issue.
    Issue(u64),
    /// Something that says nothing about what to check out.
    Other,
}

/// How a ref is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Its files.
    Tree,
    /// One file: the last part is none of the ref's.
    Blob,
    /// Its history.
    Commits,
}

impl Page {
    fn one(repository: &[String], view: View) -> Self {
        Self { readings: vec![Reading::new(repository, view)] }
    }
}

impl Reading {
    fn new(repository: &[String], view: View) -> Self {
        let mut repository = repository.to_vec();
        if let Some(last) = repository.last_mut()
            && let Some(name) = without_git(last)
        {
            *last = name;
        }
        Self { repository, view }
    }
}

impl View {
    const HOME: Self = Self::Home { path: Vec::new() };

    /// A ref with a path behind it; a ref that is written in full is taken by its word.
    fn tree(rest: &[String], ref_kind: Option<RefKind>, look: Look) -> Self {
        let (rest, ref_kind) = match rest {
            [refs, heads, rest @ ..] if refs == "refs" && heads == "heads" => (rest, Some(RefKind::Branch)),
            [refs, tags, rest @ ..] if refs == "refs" && tags == "tags" => (rest, Some(RefKind::Tag)),
            rest => (rest, ref_kind),
        };
        if rest.is_empty() {
            return Self::HOME;
        }
        Self::Tree { rest: rest.to_vec(), ref_kind, look }
    }

    /// A ref whose name is all of `parts`.
    fn named(parts: &[String], ref_kind: RefKind) -> Self {
        if parts.is_empty() {
            return Self::HOME;
        }
        Self::Named { name: parts.join("/"), ref_kind: Some(ref_kind), path: Vec::new() }
    }

    fn commit(sha: &str, path: &[String]) -> Result<Self, ContextError> {
        // Forges offer a commit as a patch under its own address with an ending.
        let id = sha.strip_suffix(".patch").or_else(|| sha.strip_suffix(".diff")).unwrap_or(sha);
        let sha = commit_id(id).ok_or_else(|| bad_commit(sha))?;
        Ok(Self::Commit { sha, path: path.to_vec() })
    }
}

/// Reads the path of an address below the site's own.
///
/// # Errors
///
/// When it is no page of a repository, or names a commit by what cannot be one.
pub(super) fn read(kind: ForgeKind, segments: &[String], query: &Query) -> Result<Page, ContextError> {
    match kind {
        ForgeKind::Gitlab => gitlab::read(segments, query),
        ForgeKind::Github => github::read(segments),
        ForgeKind::Gitea => gitea::read(segments),
        ForgeKind::BitbucketServer => bitbucket_server::read(segments, query),
        ForgeKind::BitbucketCloud => bitbucket_cloud::read(segments, query),
        ForgeKind::AzureDevops => azure_devops::read(segments, query),
        ForgeKind::OpenId => Err(no_repository(kind, segments)),
    }
}

/// A repository's name without the ending of clone addresses; none where there is no such ending.
fn without_git(name: &str) -> Option<String> {
    name.strip_suffix(".git").filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The number of a request or issue.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number > 0)
}

/// A commit's id, perhaps abbreviated, in lower case.
pub(super) fn commit_id(text: &str) -> Option<String> {
    let is_id = (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

/// Whether a text is a commit's id in full.
pub(super) fn is_full_commit_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && commit_id(text).is_some()
}

/// A ref as it stands in a query, where a plus sign may have come in as a space: refs have none.
fn ref_of_query(text: &str) -> String {
    text.replace(' ', "+")
}

fn is(segment: &str, words: &[&str]) -> bool {
    words.contains(&segment)
}
