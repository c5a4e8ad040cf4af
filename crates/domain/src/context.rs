//! Contexts: what a pasted address means.

use serde::{Deserialize, Serialize};

use crate::forge::ForgeKind;
use crate::id::ForgeId;
use crate::repository::{RefName, RepositoryUrl};

/// What kind of name a ref is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
    /// A commit.
    Revision,
}

/// A repository at a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Everything before the last part of its path: `group/subgroup`, `owner`, `PROJECT`.
    pub owner: String,
    /// The last part of its path.
    pub name: String,
    /// Where Git clones it from over HTTP.
    pub clone_url: RepositoryUrl,
    /// Where Git clones it from over SSH, if the forge told.
    pub ssh_url: Option<String>,
    /// Branch that is checked out when nobody says otherwise; none in an empty repository.
    pub default_branch: Option<RefName>,
    /// Whether not everybody in the world may read it.
    pub private: bool,
    /// The forge's unchanging id of it.
    pub id: String,
}

/// A merge or pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// Its number in the target repository.
    pub number: u64,
    /// Title.
    pub title: String,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number in the repository.
    pub number: u64,
    /// Title.
    pub title: String,
}

/// What a merge request wants to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The target repository, which becomes the remote `upstream` where it is another one.
    pub repository: Repository,
    /// The target branch.
    #[serde(rename = "ref")]
    pub reference: RefName,
}

/// What an address means: a repository and what to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The registered forge; none for a repository that only Git was asked about.
    pub forge: Option<ForgeId>,
    /// What runs there, if known.
    pub kind: Option<ForgeKind>,
    /// The address without prefixes.
    pub url: String,
    /// The repository to clone: for a merge request the *source*.
    pub repository: Repository,
    /// What kind of name `reference` is; a revision where only a commit was named.
    pub ref_kind: Option<RefKind>,
    /// Branch or tag to check out; none for a commit or in an empty repository.
    pub reference: Option<RefName>,
    /// The commit it stood for when it was asked; empty repositories have none.
    pub revision: Option<String>,
    /// File or folder within the repository.
    pub path: Option<String>,
    /// Whether `path` is a file.
    pub is_file: bool,
    /// The merge request it came from.
    pub merge_request: Option<MergeRequest>,
    /// The issue it came from.
    pub issue: Option<Issue>,
    /// Where the merge request leads to.
    pub base: Option<Base>,
    /// The parent of a fork, which becomes the remote `upstream`.
    pub upstream: Option<RepositoryUrl>,
    /// A new branch to make: for an issue.
    pub local_branch: Option<RefName>,
    /// A line to show.
    pub title: String,
    /// What the prefixes asked for.
    pub options: ContextOptions,
    /// Things the person should know, such as a guess that was made.
    pub warnings: Vec<String>,
}

/// What the prefixes of a pasted address asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextOptions {
    /// Variables for the workspace. They act only once the person has confirmed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// Variables that were left out, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_variables: Vec<RefusedVariable>,
    /// Which program sent the person (`referrer:client[:editor]`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<Referrer>,
    /// Build the workspace's image afresh (`imagebuild/`).
    #[serde(default)]
    pub rebuild_image: bool,
    /// Make a prebuild and no workspace (`prebuild/`).
    #[serde(default)]
    pub prebuild: bool,
    /// Start from exactly this prebuild (`open-prebuild/<id>/`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_prebuild: Option<String>,
}

/// A variable that a pasted address sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A variable that a pasted address may not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedVariable {
    /// Name, cut to a length that can be shown.
    pub name: String,
    /// Why not.
    pub why: String,
}

/// The program that sent a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referrer {
    /// Its name.
    pub client: String,
    /// The editor it wants.
    pub editor: Option<String>,
}
