//! Forges: the Git hosting instances and identity providers that people and their code come from.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::id::{ForgeId, TeamId, UserId};

/// The product that runs at a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForgeKind {
    /// GitLab, gitlab.com and self-managed.
    Gitlab,
    /// GitHub, github.com and Enterprise.
    Github,
    /// Gitea and Forgejo.
    Gitea,
    /// Bitbucket Server and Data Center.
    BitbucketServer,
    /// bitbucket.org.
    BitbucketCloud,
    /// Azure DevOps, used with SSH keys and personal access tokens.
    AzureDevops,
    /// Any OpenID Connect provider: people sign in with it, it has no repositories.
    OpenId,
}

/// The text names no kind of forge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a kind of forge; there are gitlab, github, gitea, bitbucket_server, bitbucket_cloud, azure_devops, open_id"
)]
pub struct InvalidForgeKind(String);

impl ForgeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Gitlab,
        Self::Github,
        Self::Gitea,
        Self::BitbucketServer,
        Self::BitbucketCloud,
        Self::AzureDevops,
        Self::OpenId,
    ];

    /// As it is written in settings and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gitlab => "gitlab",
            Self::Github => "github",
            Self::Gitea => "gitea",
            Self::BitbucketServer => "bitbucket_server",
            Self::BitbucketCloud => "bitbucket_cloud",
            Self::AzureDevops => "azure_devops",
            Self::OpenId => "open_id",
        }
    }

    /// The product's own name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gitlab => "GitLab",
            Self::Github => "GitHub",
            Self::Gitea => "Gitea",
            Self::BitbucketServer => "Bitbucket Data Center",
            Self::BitbucketCloud => "Bitbucket Cloud",
            Self::AzureDevops => "Azure DevOps",
            Self::OpenId => "OpenID Connect",
        }
    }

    /// Whether it holds repositories.
    pub fn has_repositories(self) -> bool {
        self != Self::OpenId
    }

    /// Where the product is hosted by its maker, if it is.
    pub fn public_home(self) -> Option<&'static str> {
        match self {
            Self::Gitlab => Some("https://gitlab.com"),
            Self::Github => Some("https://github.com"),
            Self::Gitea => Some("https://codeberg.org"),
            Self::BitbucketCloud => Some("https://bitbucket.org"),
            Self::AzureDevops => Some("https://dev.azure.com"),
            Self::BitbucketServer | Self::OpenId => None,
        }
    }
}

impl fmt::Display for ForgeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ForgeKind {
    type Err = InvalidForgeKind;

    fn from_str(text: &str) -> Result<Self, InvalidForgeKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| InvalidForgeKind(text.chars().take(40).collect()))
    }
}

/// How people of a forge prove to it that Hearth may act for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum ForgeAuth {
    /// OAuth 2, with PKCE. The client secret is sealed apart from this record.
    Oauth2 {
        /// The application's id at the forge; empty until the administrator has pasted it.
        client_id: String,
    },
    /// OAuth 1.0a with RSA-SHA1: Bitbucket's application link. Our private key is sealed apart.
    Oauth1 {
        /// The consumer key as registered there.
        consumer_key: String,
        /// Our public key, PEM, to be pasted there.
        public_key: String,
    },
    /// Only personal access tokens and SSH keys.
    PersonalToken,
}

/// Where the forge sends the browser back to. Old applications keep the address they registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectPath {
    /// `/oauth/callback/{forge}`: one address per forge, so that no forge can pass for another.
    #[default]
    Own,
    /// `/oauth/callback`.
    Shared,
    /// `/-/oauth/gitlab/callback`.
    Dashed,
    /// `/api/v1/connectors/gitlab/callback`.
    Connector,
}

impl RedirectPath {
    /// The path below the server's public address.
    pub fn path(self, forge: ForgeId) -> String {
        match self {
            Self::Own => format!("/oauth/callback/{forge}"),
            Self::Shared => "/oauth/callback".into(),
            Self::Dashed => "/-/oauth/gitlab/callback".into(),
            Self::Connector => "/api/v1/connectors/gitlab/callback".into(),
        }
    }
}

/// Whether a forge's registration works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ForgeState {
    /// Nobody has completed a sign-in with the present settings yet; only its registrar sees it.
    Pending,
    /// Somebody has.
    Verified {
        /// When.
        at: Timestamp,
        /// Who; nobody for one that the configuration file vouches for.
        by: Option<UserId>,
    },
    /// It worked, and the forge now refuses the application itself: its secret was renewed, or it was
    /// deleted. Links stay as they are until this is mended.
    Faulty {
        /// Since when.
        at: Timestamp,
        /// What the forge said.
        why: String,
    },
}

/// Where a forge takes SSH connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshEndpoint {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User to connect as: `git` nearly everywhere.
    pub user: String,
    /// The host's public keys (`ssh-ed25519 AAAA…`), as the administrator confirmed them.
    pub host_keys: Vec<String>,
}

/// A forge as it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forge {
    /// Id.
    pub id: ForgeId,
    /// Whose it is; the whole platform's where absent. People can sign in only with the platform's.
    pub team: Option<TeamId>,
    /// What runs there.
    pub kind: ForgeKind,
    /// Name to show.
    pub name: String,
    /// Where people's browsers reach it, without a slash at the end: `https://example.com/gitlab`. For
    /// [`ForgeKind::OpenId`] the issuer.
    pub web_url: Url,
    /// Where this server reaches its API, if elsewhere: the base address, without `/api/v4` and the like.
    pub api_url: Option<Url>,
    /// Where Git reaches it over HTTP, if elsewhere.
    pub git_url: Option<Url>,
    /// Where Git reaches it over SSH, if it does.
    pub ssh: Option<SshEndpoint>,
    /// How people link their accounts.
    pub auth: ForgeAuth,
    /// Where it sends the browser back to.
    pub redirect: RedirectPath,
    /// What is asked for when somebody links an account; never empty for OAuth 2.
    pub scopes: Vec<String>,
    /// Additional certificate authorities, PEM.
    pub ca_pem: Option<String>,
    /// Our certificate towards it, PEM; its private key is sealed apart.
    pub client_certificate: Option<String>,
    /// A proxy that this server reaches it through.
    pub proxy: Option<Url>,
    /// Whether people may sign in to Hearth with it.
    pub sign_in: bool,
    /// Who may get an account by signing in with it.
    pub sign_up: SignUp,
    /// Whether its registration works.
    #[serde(flatten)]
    pub state: ForgeState,
    /// The version it last told, raw: `18.1.1-ee`.
    pub version: Option<String>,
    /// Whether it stands in the configuration file and can be changed only there.
    pub from_file: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Who registered it; nobody for one from the configuration file.
    pub created_by: Option<UserId>,
    /// When this record last changed.
    pub updated_at: Timestamp,
}

/// Who may get an account by signing in for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Nobody: accounts are made by administrators, and linked by their owners.
    #[default]
    Closed,
    /// Everybody the forge lets in.
    Open,
    /// Whoever has a verified address at one of these domains (compared whole, after the last `@`).
    Domains(Vec<String>),
}

impl Forge {
    /// Where the API is reached.
    pub fn api_base(&self) -> &Url {
        self.api_url.as_ref().unwrap_or(&self.web_url)
    }

    /// Where Git is reached over HTTP.
    pub fn git_base(&self) -> &Url {
        self.git_url.as_ref().unwrap_or(&self.web_url)
    }

    /// Names the forge in identities: who may sign in is decided by (issuer, subject) only. It is the
    /// address people's browsers reach, never anything the forge claims about itself.
    pub fn issuer(&self) -> String {
        self.web_url.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether it can be used now.
    pub fn is_verified(&self) -> bool {
        matches!(self.state, ForgeState::Verified { .. })
    }

    /// Host and port that Git talks to over HTTP.
    pub fn git_authority(&self) -> (String, u16) {
        let base = self.git_base();
        (base.host_str().unwrap_or_default().to_owned(), base.port_or_known_default().unwrap_or(443))
    }
}
