//! What is reported back to a forge.

use url::Url;

/// How something that was done for a commit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommitState {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Went well.
    Success,
    /// Went badly because of the commit.
    Failure,
    /// Went badly for another reason, or was given up.
    Error,
}

/// A line beside a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// How it stands.
    pub state: CommitState,
    /// Names the line; the same name again replaces it.
    pub name: String,
    /// A short sentence.
    pub description: String,
    /// Where the line leads.
    pub target_url: Option<Url>,
}

/// What a comment is about, by its number in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A merge or pull request.
    MergeRequest(u64),
    /// An issue.
    Issue(u64),
}
