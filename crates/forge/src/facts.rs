//! What is asked about repositories.

use domain::{RefKind, RefName, Repository};
use url::Url;

/// A repository, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// The repository.
    pub repository: Repository,
    /// What it was forked from, if this account may see that.
    pub parent: Option<Repository>,
    /// Its page.
    pub web_url: Option<Url>,
}

/// Some repositories of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepositoryPage {
    /// The repositories.
    pub repositories: Vec<Repository>,
    /// The number of the next page; none where the list ends.
    pub next: Option<u32>,
}

/// A name that was found, and what it stands for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// Branch, tag or commit.
    pub kind: RefKind,
    /// Its name; for a commit the full id.
    pub name: String,
    /// The commit: a tag that is an object of its own is followed to it.
    pub sha: String,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// A branch in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The repository.
    pub repository: Repository,
    /// The branch.
    pub name: RefName,
}

/// A merge or pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequestFacts {
    /// Its number in the target repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Where the change comes from. None where the fork was deleted or this account may not see it; whether
    /// the *branch* is still there is told by [`crate::Provider::find_ref`].
    pub source: Option<Branch>,
    /// The newest commit of the change, if the forge told.
    pub head: Option<String>,
    /// Where it leads.
    pub target: Branch,
    /// The ref in the target repository that keeps `head` even without the source:
    /// `refs/merge-requests/7/head`.
    pub head_ref: Option<String>,
}

/// The path of a repository: `group/subgroup/name`.
pub(crate) fn path_of(repository: &Repository) -> String {
    format!("{}/{}", repository.owner, repository.name)
}

/// Owner and name of a path; none where there is no owner.
pub(crate) fn split_path(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_matches('/');
    let (owner, name) = path.trim_end_matches(".git").rsplit_once('/')?;
    (!owner.is_empty() && !name.is_empty()).then_some((owner, name))
}

/// Whether `text` may be a commit id, full or abbreviated. Git abbreviates to four digits at least.
pub(crate) fn may_be_commit(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The full id, if `full` is one and begins with what was asked for.
pub(crate) fn full_commit(full: &str, asked: &str) -> Option<String> {
    let is_full = matches!(full.len(), 40 | 64) && may_be_commit(full);
    let full = full.to_ascii_lowercase();
    (is_full && full.starts_with(&asked.to_ascii_lowercase())).then_some(full)
}
