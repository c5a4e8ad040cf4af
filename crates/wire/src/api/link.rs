//! People's accounts on forges, signing in with them, SSH keys, and preferences for Git.

use domain::{ForgeId, ForgeKind, LinkId, SshAlgorithm, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::forge::ScopeView;

/// A forge as one person sees it: linked or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntegrationView {
    /// The forge.
    #[schema(value_type = String)]
    pub forge: ForgeId,
    /// What runs there.
    #[schema(value_type = String, example = "gitlab")]
    pub kind: ForgeKind,
    /// The product's name.
    pub kind_title: String,
    /// Name to show.
    pub name: String,
    /// Where browsers reach it.
    pub web_url: String,
    /// How an account is linked: `oauth2`, `oauth1` or `personal_token`.
    pub auth_method: String,
    /// `verified`, `pending` (only its registrar and administrators see it) or `faulty`.
    pub state: String,
    /// Every scope that makes sense here.
    pub known_scopes: Vec<ScopeView>,
    /// Where its user manages applications and tokens.
    pub manage_url: Option<String>,
    /// The link, if there is one.
    pub link: Option<LinkView>,
}

/// A person's account on a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// Id.
    #[schema(value_type = String, example = "link_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: LinkId,
    /// The forge.
    #[schema(value_type = String)]
    pub forge: ForgeId,
    /// Login name there.
    pub login: String,
    /// Name there.
    pub name: Option<String>,
    /// Page there.
    pub web_url: Option<String>,
    /// `oauth2`, `oauth1` or `personal_token`.
    pub method: String,
    /// What the forge granted.
    pub scopes: Vec<String>,
    /// `active` or `sign_in_needed`.
    pub state: String,
    /// With `sign_in_needed`: what the forge said.
    pub why: Option<String>,
    /// Whether its owner can sign in with it.
    pub signs_in: bool,
    /// Whether it is its owner's last way in, and therefore cannot be removed.
    pub last_way_in: bool,
    /// The state of the SSH key there.
    pub ssh_key: SshUploadView,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a person's SSH key is at a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SshUploadView {
    /// `uploaded`, `pending`, `failed`, `unsupported` (the forge takes no keys by API) or `not_wanted`.
    pub state: String,
    /// Why not.
    pub why: Option<String>,
    /// What to do about it.
    pub mend: Option<String>,
    /// When this was found.
    pub at: Option<Timestamp>,
}

/// Begins to link an account, or to change what is granted.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// The forge, by id.
    #[schema(value_type = String)]
    pub forge: ForgeId,
    /// What to ask for; what the forge is registered with where absent.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Where to come back to: a path of this site, with query and fragment.
    #[serde(default)]
    pub return_to: Option<String>,
    /// A personal access token, instead of the forge's consent page.
    #[serde(default)]
    #[schema(format = Password)]
    pub token: Option<String>,
}

/// Where the browser has to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redirect {
    /// The forge's consent page. Good for ten minutes, in this browser only.
    pub authorize_url: String,
}

/// What became of a request to link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkBegun {
    /// The browser has to go there.
    Redirect(Redirect),
    /// A personal access token was taken: it is done.
    Linked(Box<LinkView>),
}

/// Begins to sign in with a forge.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInWith {
    /// The forge, by id.
    #[schema(value_type = String)]
    pub forge: ForgeId,
    /// Where to come back to: a path of this site, with query and fragment.
    #[serde(default)]
    pub return_to: Option<String>,
}

/// A person's SSH key pair, without the private half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SshKeyView {
    /// `ed25519`, `ecdsa-p256` or `rsa-4096`.
    #[schema(value_type = String, example = "ed25519")]
    pub algorithm: SshAlgorithm,
    /// The public key, as it goes into `authorized_keys`.
    pub public_key: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What new keys are made with, by the administrator's choice.
    #[schema(value_type = String, example = "ed25519")]
    pub policy: SshAlgorithm,
    /// Where it was uploaded to.
    pub uploads: Vec<SshUploadAt>,
}

/// The state of the SSH key at one linked forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SshUploadAt {
    /// The forge.
    #[schema(value_type = String)]
    pub forge: ForgeId,
    /// Its name.
    pub name: String,
    /// Its state.
    #[serde(flatten)]
    pub upload: SshUploadView,
}

/// How Git behaves in a person's workspaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GitPreferences {
    /// Author name; the account's where `null`.
    pub author_name: Option<String>,
    /// Author address; the account's where `null`.
    pub author_email: Option<String>,
    /// Whether commits are signed with the SSH key.
    pub sign_commits: bool,
    /// A repository with dotfiles, cloned into every new workspace.
    pub dotfiles: Option<String>,
}

/// Changes preferences; what is absent stays, an empty text takes away.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateGitPreferences {
    /// Author name.
    #[serde(default)]
    pub author_name: Option<String>,
    /// Author address.
    #[serde(default)]
    pub author_email: Option<String>,
    /// Whether commits are signed with the SSH key.
    #[serde(default)]
    pub sign_commits: Option<bool>,
    /// A repository with dotfiles.
    #[serde(default)]
    pub dotfiles: Option<String>,
}
