//! What people can be asked to grant, kind by kind.

use domain::ForgeKind;

/// A scope of a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeInfo {
    /// Its exact name.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// Whether linking makes no sense without it.
    pub required: bool,
    /// Whether it is asked for unless the administrator says otherwise.
    pub default: bool,
}

const fn scope(name: &'static str, purpose: &'static str, required: bool, default: bool) -> ScopeInfo {
    ScopeInfo { name, purpose, required, default }
}

/// Exact names as of GitLab 18. `read_api` came with 12.10.
const GITLAB: &[ScopeInfo] = &[
    scope("read_user", "know who you are", true, true),
    scope("openid", "sign in to Hearth", false, true),
    scope("profile", "your name, when signing in", false, false),
    scope("email", "your e-mail address, when signing in", false, true),
    scope(
        "api",
        "upload your SSH key, report on commits, comment, and register web hooks; includes all reading",
        false,
        true,
    ),
    scope("read_api", "read projects, merge requests and issues; part of `api`", false, false),
    scope("read_repository", "clone private projects", false, true),
    scope("write_repository", "push from a workspace", false, true),
];

/// <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>
const GITHUB: &[ScopeInfo] = &[
    scope("read:user", "know who you are", false, true),
    scope("user:email", "your e-mail addresses", true, true),
    scope("repo", "read and push private repositories, report on commits, register web hooks", false, true),
    scope("public_repo", "push to public repositories only; part of `repo`", false, false),
    scope("read:org", "find repositories of your organisations", false, false),
    scope("workflow", "push changes of workflow files", false, false),
    scope("write:public_key", "upload your SSH key", false, false),
    scope("admin:public_key", "upload your SSH key and remove it again", false, false),
];

/// Gitea since 1.19 and Forgejo; older ones ignore scopes and grant everything.
const GITEA: &[ScopeInfo] = &[
    scope("read:user", "know who you are", true, true),
    scope("openid", "sign in to Hearth", false, true),
    scope("email", "your e-mail address, when signing in", false, true),
    scope("profile", "your name, when signing in", false, false),
    scope("write:user", "upload your SSH key", false, true),
    scope("read:repository", "clone private repositories", false, false),
    scope("write:repository", "push from a workspace, report on commits, register web hooks", false, true),
    scope("read:issue", "read issues", false, false),
    scope("write:issue", "read issues and comment", false, true),
];

/// Granted by Bitbucket Data Center since 7.20; names are the application link's.
const BITBUCKET_SERVER: &[ScopeInfo] = &[
    scope("PUBLIC_REPOS", "read public repositories", true, true),
    scope("REPO_READ", "clone private repositories", true, true),
    scope("REPO_WRITE", "push from a workspace", true, true),
    scope("ACCOUNT_WRITE", "upload your SSH key", false, false),
    scope("REPO_ADMIN", "register web hooks", false, false),
    scope("PROJECT_ADMIN", "register web hooks for whole projects", false, false),
];

/// Chosen at the application and granted as a whole.
const BITBUCKET_CLOUD: &[ScopeInfo] = &[
    scope("account", "know who you are", true, true),
    scope("account:write", "upload your SSH key", false, false),
    scope("email", "your e-mail address", false, false),
    scope("repository", "clone private repositories", true, true),
    scope("repository:write", "push from a workspace", true, true),
    scope("pullrequest", "read pull requests", true, true),
    scope("pullrequest:write", "comment on pull requests", true, true),
    scope("issue", "read issues", false, false),
    scope("issue:write", "comment on issues", false, false),
    scope("webhook", "register web hooks", false, false),
];

const OPEN_ID: &[ScopeInfo] = &[
    scope("openid", "sign in to Hearth", true, true),
    scope("profile", "your name", false, true),
    scope("email", "your e-mail address", false, true),
    scope("offline_access", "notice when your account there is closed", false, false),
];

/// Every scope that makes sense at this kind of forge; none where tokens are made by hand.
pub fn scopes(kind: ForgeKind) -> &'static [ScopeInfo] {
    match kind {
        ForgeKind::Gitlab => GITLAB,
        ForgeKind::Github => GITHUB,
        ForgeKind::Gitea => GITEA,
        ForgeKind::BitbucketServer => BITBUCKET_SERVER,
        ForgeKind::BitbucketCloud => BITBUCKET_CLOUD,
        ForgeKind::AzureDevops => &[],
        ForgeKind::OpenId => OPEN_ID,
    }
}

/// The names that are asked for unless the administrator says otherwise.
pub fn default_scopes(kind: ForgeKind) -> Vec<String> {
    scopes(kind).iter().filter(|scope| scope.default).map(|scope| scope.name.to_owned()).collect()
}

/// Whether `wanted` is granted, by name or by something wider.
pub fn covers(kind: ForgeKind, granted: &[String], wanted: &str) -> bool {
    let has = |name: &str| granted.iter().any(|scope| scope == name);
    // GitLab's `api` is the whole API and Git as well; signing in is apart from it.
    let is_wider = kind == ForgeKind::Gitlab
        && has("api")
        && matches!(wanted, "read_api" | "read_user" | "read_repository" | "write_repository");
    has(wanted) || is_wider
}
