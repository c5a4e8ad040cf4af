//! Forges: the Git hosting instances and identity providers, as administrators register them.

use domain::{ForgeId, ForgeKind, TeamId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A forge, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForgeView {
    /// Id.
    #[schema(value_type = String, example = "forge_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: ForgeId,
    /// Whose it is; `null` for the whole platform's.
    #[schema(value_type = Option<String>)]
    pub team: Option<TeamId>,
    /// `gitlab`, `github`, `gitea`, `bitbucket_server`, `bitbucket_cloud`, `azure_devops` or `open_id`.
    #[schema(value_type = String, example = "gitlab")]
    pub kind: ForgeKind,
    /// The product's name: `GitLab`.
    pub kind_title: String,
    /// Name to show.
    pub name: String,
    /// Where browsers reach it.
    #[schema(example = "https://gitlab.example.com")]
    pub web_url: String,
    /// Where this server reaches its API, if elsewhere.
    pub api_url: Option<String>,
    /// Where Git reaches it over HTTP, if elsewhere.
    pub git_url: Option<String>,
    /// Where Git reaches it over SSH, if it does.
    pub ssh: Option<SshEndpointView>,
    /// How accounts are linked: `oauth2`, `oauth1` or `personal_token`.
    pub auth_method: String,
    /// The application's id or consumer key; empty until given.
    pub client_id: String,
    /// Whether a client secret is kept.
    pub has_client_secret: bool,
    /// Our public key to paste at the forge (OAuth 1.0a), PEM.
    pub public_key: Option<String>,
    /// `own`, `shared`, `dashed` or `connector`: which of the accepted addresses it sends browsers back to.
    pub redirect: String,
    /// That address in full, to be registered at the forge exactly so.
    pub redirect_uri: String,
    /// What is asked for when somebody links an account.
    pub scopes: Vec<String>,
    /// Every scope that makes sense here, with what it is for.
    pub known_scopes: Vec<ScopeView>,
    /// Additional certificate authorities, PEM.
    pub ca_pem: Option<String>,
    /// Our certificate towards it, PEM.
    pub client_certificate: Option<String>,
    /// A proxy that this server reaches it through.
    pub proxy: Option<String>,
    /// Whether people may sign in with it.
    pub sign_in: bool,
    /// `closed`, `open` or `domains`: who gets an account by signing in for the first time.
    pub sign_up: String,
    /// With `domains`: which.
    pub sign_up_domains: Vec<String>,
    /// `pending`, `verified` or `faulty`.
    pub state: String,
    /// When it was verified or became faulty.
    pub state_at: Option<Timestamp>,
    /// With `faulty`: what the forge said.
    pub fault: Option<String>,
    /// The version it last told.
    pub version: Option<String>,
    /// What this version lacks, in words; empty where everything is supported.
    pub lacks: Vec<String>,
    /// Page where the application is registered, and its guide.
    pub register_url: Option<String>,
    /// Whether it stands in the configuration file and can be changed only there.
    pub from_file: bool,
    /// How many people have linked an account.
    pub links: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One scope of a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeView {
    /// Its exact name.
    pub name: String,
    /// What it is needed for.
    pub purpose: String,
    /// Whether linking makes no sense without it.
    pub required: bool,
}

/// Where Git reaches a forge over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SshEndpointView {
    /// Host name or address.
    pub host: String,
    /// Port; 22 where absent.
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// User to connect as; `git` where absent.
    #[serde(default = "ssh_user")]
    pub user: String,
    /// Public keys of the host, `ssh-ed25519 AAAA…`. Found by `check` and confirmed by saving them.
    #[serde(default)]
    pub host_keys: Vec<String>,
}

fn ssh_port() -> u16 {
    22
}

fn ssh_user() -> String {
    "git".into()
}

/// Registers a forge.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateForge {
    /// `gitlab`, `github`, `gitea`, `bitbucket_server`, `bitbucket_cloud`, `azure_devops` or `open_id`.
    #[schema(example = "gitlab")]
    pub kind: String,
    /// Name to show; the host where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Where browsers reach it; for `open_id` the issuer. The product's public home where absent.
    #[serde(default)]
    #[schema(example = "https://gitlab.example.com")]
    pub web_url: Option<String>,
    /// The team it is for, by id or address; the whole platform where absent.
    #[serde(default)]
    pub team: Option<String>,
    /// Everything else, which can also be changed later.
    #[serde(flatten)]
    pub settings: ForgeSettings,
}

/// Changes a forge; what is absent stays, an empty text takes away.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateForge {
    /// Name to show.
    #[serde(default)]
    pub name: Option<String>,
    /// Where browsers reach it. Changing it makes the forge pending again.
    #[serde(default)]
    pub web_url: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub settings: ForgeSettings,
}

/// What can be set about a forge; what is absent stays as it is, an empty text takes away.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ForgeSettings {
    /// Where this server reaches its API, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Where Git reaches it over HTTP, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_url: Option<String>,
    /// Where Git reaches it over SSH. An empty host takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshEndpointView>,
    /// `oauth2`, `oauth1` (Bitbucket Server) or `personal_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// The application's id, or the consumer key with `oauth1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The application's secret. Never given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password)]
    pub client_secret: Option<String>,
    /// `own`, `shared`, `dashed` or `connector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// What is asked for when somebody links an account; the kind's defaults where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Additional certificate authorities, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// Our certificate towards it, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The private key of that certificate, PEM. Never given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password)]
    pub client_key: Option<String>,
    /// A proxy that this server reaches it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Whether people may sign in with it. Only for the whole platform's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<bool>,
    /// `closed`, `open` or `domains`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_up: Option<String>,
    /// With `domains`: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_up_domains: Option<Vec<String>>,
}

/// What `check` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForgeCheck {
    /// Whether every step that was tried went well.
    pub ok: bool,
    /// The steps in order.
    pub steps: Vec<ForgeCheckStep>,
    /// The forge's SSH host keys as they were found just now, to be compared and saved.
    pub host_keys: Vec<String>,
}

/// One step of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForgeCheckStep {
    /// `resolve`, `tls`, `version`, `application`, `authorise`, `scopes`, `clone`, `ssh`, `reach_back`.
    pub name: String,
    /// `ok`, `failed`, `warning` or `skipped`.
    pub outcome: String,
    /// What was found: addresses, issuer and end of the certificate, the version, or why it failed.
    pub detail: String,
    /// What to do about it; empty where nothing is to be done.
    pub mend: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A way to sign in, as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInOption {
    /// The forge.
    #[schema(value_type = String)]
    pub forge: ForgeId,
    /// What runs there.
    #[schema(value_type = String, example = "gitlab")]
    pub kind: ForgeKind,
    /// Name to show.
    pub name: String,
    /// Its host.
    pub host: String,
}

/// The ways to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInOptions {
    /// Whether a password is taken.
    pub password: bool,
    /// The forges and identity providers that are.
    pub forges: Vec<SignInOption>,
    /// On a team's own host: the team's name in addresses. One signs in on the main host then, by going to
    /// `/auth/enter?return_to=…` on this one.
    pub team: Option<String>,
}
