//! People, and how they prove who they are.

use domain::{SessionId, Timestamp, TokenId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the platform still waits for its first administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupState {
    /// Whether `POST /setup` is open.
    pub needed: bool,
}

/// Makes the first administrator.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// The one-time token from the link that the server printed.
    pub token: String,
    /// Name to sign in with.
    pub name: String,
    /// Password, at least eight characters.
    #[schema(format = Password)]
    pub password: String,
    /// Address for commits.
    #[serde(default)]
    pub email: Option<String>,
}

/// Signs in with a password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user's name.
    pub name: String,
    /// The user's password.
    #[schema(format = Password)]
    pub password: String,
}

/// What a person may do on the whole platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works in own workspaces.
    Member,
    /// Runs the platform.
    Admin,
}

impl From<domain::Role> for Role {
    fn from(role: domain::Role) -> Self {
        match role {
            domain::Role::Member => Self::Member,
            domain::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for domain::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Admin => Self::Admin,
        }
    }
}

/// A person, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserRef {
    /// Id.
    #[schema(value_type = String, example = "usr_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: UserId,
    /// Name.
    pub name: String,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// Id.
    #[schema(value_type = String, example = "usr_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: UserId,
    /// What the person signs in with.
    pub name: String,
    /// Author name for commits, if given.
    pub display_name: Option<String>,
    /// Author address for commits, if given.
    pub email: Option<String>,
    /// Rights.
    pub role: Role,
    /// Since when the person is shut out; `null` means welcome.
    pub suspended_at: Option<Timestamp>,
    /// When the person was added.
    pub created_at: Timestamp,
}

/// How the caller of a request proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The Unix socket in the data directory.
    Local,
    /// A browser's session.
    Session,
    /// An API token.
    Token,
}

/// The person behind the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Who.
    #[serde(flatten)]
    pub user: UserView,
    /// How the person came in.
    pub via: Via,
    /// What the credential may be used for; `["all"]` for sessions and the socket.
    pub scopes: Vec<Scope>,
}

/// Changes the caller's own password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The present password. May be left out only by who has none yet.
    #[serde(default)]
    #[schema(format = Password)]
    pub old: Option<String>,
    /// The new password, at least eight characters.
    #[schema(format = Password)]
    pub new: String,
}

/// One sign-in of one browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Id.
    #[schema(value_type = String, example = "ses_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: SessionId,
    /// What the browser called itself.
    pub user_agent: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
    /// When it must sign in again.
    pub expires_at: Timestamp,
    /// Name of the forge it was signed in with; `null` for a password.
    pub signed_in_with: Option<String>,
    /// Whether it is the one asking.
    pub current: bool,
}

/// One right an API token may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// See workspaces and their logs.
    #[serde(rename = "workspaces:read")]
    WorkspacesRead,
    /// Create, start, stop and delete workspaces.
    #[serde(rename = "workspaces:write")]
    WorkspacesWrite,
    /// Enter workspaces: commands, terminals, files.
    #[serde(rename = "workspaces:enter")]
    WorkspacesEnter,
    /// Everything its owner may do, short of managing tokens and the password.
    #[serde(rename = "all")]
    All,
}

impl From<domain::Scope> for Scope {
    fn from(scope: domain::Scope) -> Self {
        match scope {
            domain::Scope::WorkspacesRead => Self::WorkspacesRead,
            domain::Scope::WorkspacesWrite => Self::WorkspacesWrite,
            domain::Scope::WorkspacesEnter => Self::WorkspacesEnter,
            domain::Scope::All => Self::All,
        }
    }
}

impl From<Scope> for domain::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::WorkspacesRead => Self::WorkspacesRead,
            Scope::WorkspacesWrite => Self::WorkspacesWrite,
            Scope::WorkspacesEnter => Self::WorkspacesEnter,
            Scope::All => Self::All,
        }
    }
}

/// Makes an API token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for, in the owner's words.
    pub name: String,
    /// What it may be used for; at least one.
    pub scopes: Vec<Scope>,
    /// When it ends by itself, in days from now; never where absent.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// An API token, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Id.
    #[schema(value_type = String, example = "tok_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A fresh API token; the only answer that ever holds the secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The token's record.
    #[serde(flatten)]
    pub record: TokenView,
    /// The secret, to be sent as `Authorization: Bearer …`. Shown once.
    #[schema(example = "hearth_…")]
    pub token: String,
}

/// Adds a person.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// Name to sign in with.
    pub name: String,
    /// First password, at least eight characters.
    #[schema(format = Password)]
    pub password: String,
    /// Rights; `member` where absent.
    #[serde(default)]
    pub role: Option<Role>,
    /// Author address for commits.
    #[serde(default)]
    pub email: Option<String>,
}

/// Changes a person; what is absent stays.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// New rights.
    #[serde(default)]
    pub role: Option<Role>,
    /// `true` shuts the person out within a second, open terminals and streams included; `false` lets
    /// the person in again.
    #[serde(default)]
    pub suspended: Option<bool>,
    /// A new password. Ends the person's sessions.
    #[serde(default)]
    #[schema(format = Password)]
    pub password: Option<String>,
}

/// One thing somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Number; later is larger.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who; nobody for what the server did by itself.
    #[schema(value_type = Option<String>)]
    pub caller: Option<UserId>,
    /// What: `workspace.delete`.
    pub action: String,
    /// To what, as an id.
    pub subject: String,
    /// More, in words.
    pub detail: String,
}
