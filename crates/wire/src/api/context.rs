//! What a pasted address means.

use domain::{ForgeId, ForgeKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks what an address means.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveContext {
    /// Address of any page of a forge, with or without prefixes.
    #[schema(example = "https://gitlab.com/group/project/-/merge_requests/7")]
    pub url: String,
}

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContextView {
    /// The registered forge; `null` for a repository that only Git was asked about.
    #[schema(value_type = Option<String>)]
    pub forge: Option<ForgeId>,
    /// What runs there, if known.
    #[schema(value_type = Option<String>, example = "gitlab")]
    pub kind: Option<ForgeKind>,
    /// Its host, with the port unless it is the scheme's own.
    pub host: String,
    /// Everything before the last part of the repository's path.
    pub owner: String,
    /// The last part of the repository's path.
    pub repository: String,
    /// Where it is cloned from; for a merge request the *source* repository.
    pub clone_url: String,
    /// Whether not everybody in the world may read it.
    pub private: bool,
    /// Its default branch; `null` in an empty repository.
    pub default_branch: Option<String>,
    /// `branch`, `tag` or `revision`.
    pub ref_kind: Option<String>,
    /// Branch or tag to check out.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The commit it stands for now.
    pub revision: Option<String>,
    /// File or folder within the repository.
    pub path: Option<String>,
    /// Whether `path` is a file.
    pub is_file: bool,
    /// The merge or pull request.
    pub merge_request: Option<NumberedView>,
    /// The issue.
    pub issue: Option<NumberedView>,
    /// Where the merge request leads to.
    pub base: Option<BaseView>,
    /// Address of the remote `upstream`, if there will be one.
    pub upstream_url: Option<String>,
    /// A new branch that will be made.
    pub local_branch: Option<String>,
    /// A line to show.
    pub title: String,
    /// What the prefixes asked for.
    pub options: ContextOptionsView,
    /// Things to know, such as a guess that was made.
    pub warnings: Vec<String>,
}

/// Something with a number and a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NumberedView {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
}

/// Where a merge request leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaseView {
    /// Owner of the target repository.
    pub owner: String,
    /// The target repository.
    pub repository: String,
    /// Where it is cloned from.
    pub clone_url: String,
    /// The target branch.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// What the prefixes of an address asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContextOptionsView {
    /// Variables it wants to set; they act only if they are confirmed when the workspace is made.
    pub variables: Vec<VariableView>,
    /// Variables that were left out, and why.
    pub refused_variables: Vec<RefusedVariableView>,
    /// The program that sent the person.
    pub referrer: Option<String>,
    /// The editor it wants.
    pub editor: Option<String>,
    /// Whether the image is to be built afresh.
    pub rebuild_image: bool,
    /// Whether only a prebuild is wanted.
    pub prebuild: bool,
    /// The prebuild to start from.
    pub open_prebuild: Option<String>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableView {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A variable that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedVariableView {
    /// Name.
    pub name: String,
    /// Why.
    pub why: String,
}
