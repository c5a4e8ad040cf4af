//! Why an address could not be turned into a context.

use domain::ForgeKind;

use crate::ForgeError;

/// Why an address could not be turned into a context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The text cannot be understood.
    #[error("{what}")]
    Text {
        /// Stable word for programs.
        code: &'static str,
        /// What cannot be understood.
        what: String,
        /// What to paste instead.
        mend: String,
    },
    /// The forge was asked and has no such thing, or does not show it to this account: forges do not tell
    /// these apart.
    #[error("{what}")]
    Missing {
        /// Stable word for programs.
        code: &'static str,
        /// What is not there.
        what: String,
        /// What to do about it.
        mend: String,
    },
    /// The forge could not be asked.
    #[error("{0}")]
    Forge(#[from] ForgeError),
}

impl ContextError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Text { code, .. } | Self::Missing { code, .. } => code,
            Self::Forge(error) => error.code(),
        }
    }

    /// What the reader can do about it.
    pub fn mend(&self) -> &str {
        match self {
            Self::Text { mend, .. } | Self::Missing { mend, .. } => mend,
            Self::Forge(error) => error.mend(),
        }
    }

    pub(super) fn text(code: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Text { code, what: what.into(), mend: mend.into() }
    }

    pub(super) fn missing(code: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Missing { code, what: what.into(), mend: mend.into() }
    }
}

/// What to paste where nothing of the text was of use.
const PASTE: &str = "paste the address of a repository, such as `https://gitlab.com/group/project`";

/// As much of a text as an error shows.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

pub(super) fn too_long(limit: usize) -> ContextError {
    let what = format!("the address is longer than {limit} bytes");
    ContextError::text("too_long", what, "paste only the address of the page")
}

pub(super) fn empty() -> ContextError {
    ContextError::text("empty", "there is no address", PASTE)
}

pub(super) fn not_an_address(text: &str) -> ContextError {
    ContextError::text("not_an_address", format!("`{}` is not a URL", shown(text)), PASTE)
}

pub(super) fn scheme(scheme: &str) -> ContextError {
    let what = format!("cannot clone over `{}`", shown(scheme));
    ContextError::text("scheme", what, "paste the `https://` address of the repository")
}

pub(super) fn credentials() -> ContextError {
    let what = "the URL carries a user name or password";
    ContextError::text("credentials", what, "take it out, so that it is stored nowhere")
}

pub(super) fn encoding() -> ContextError {
    let what = "the address holds bytes that are not UTF-8, or parts that cannot be in a path";
    ContextError::text("encoding", what, "copy the address from the browser's address bar")
}

pub(super) fn no_repository(kind: ForgeKind, path: &[String]) -> ContextError {
    let what = match path {
        [] => format!("this is the start page of a {}, and names no repository", kind.title()),
        path => format!("`{}` names no repository of this {}", shown(&path.join("/")), kind.title()),
    };
    let example = match kind {
        ForgeKind::Gitlab => "`…/group/project`",
        ForgeKind::Github | ForgeKind::Gitea => "`…/owner/repository`",
        ForgeKind::BitbucketServer => "`…/projects/KEY/repos/name` or `…/scm/key/name.git`",
        ForgeKind::BitbucketCloud => "`…/workspace/repository`",
        ForgeKind::AzureDevops => "`…/organisation/project/_git/repository`",
        ForgeKind::OpenId => "one of a forge with repositories",
    };
    ContextError::text("no_repository", what, format!("open the repository and paste its address: {example}"))
}

pub(super) fn bad_commit(text: &str) -> ContextError {
    let what = format!("`{}` is not the id of a commit", shown(text));
    ContextError::text("bad_commit", what, "paste 7 to 64 hexadecimal digits")
}

pub(super) fn prefix_gone(prefix: &str) -> ContextError {
    let (what, mend) = match prefix {
        "incremental-prebuild" => (
            "the prefix `incremental-prebuild/` is gone: every prebuild takes up what the last one left",
            "write `prebuild/` instead",
        ),
        _ => (
            "the prefix `additionalcontent/` is gone: an address cannot bring files into a workspace",
            "put the files into a branch and paste the address of that branch",
        ),
    };
    ContextError::text("prefix_gone", what, mend)
}

pub(super) fn bad_prefix(what: String, mend: &str) -> ContextError {
    ContextError::text("bad_prefix", what, mend)
}

pub(super) fn prebuild_of_issue() -> ContextError {
    let what = "a prebuild cannot be made of an issue";
    ContextError::text("prebuild_of_issue", what, "paste the address of a branch behind `prebuild/`")
}
