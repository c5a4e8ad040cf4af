//! Teams and what belongs to them; the keys that seal secrets.

use domain::{InvitationId, TeamId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::UserRef;
use super::workspace::{LimitsRequest, LimitsView};

/// A team, as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamView {
    /// Id.
    #[schema(value_type = String, example = "team_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: TeamId,
    /// Name in addresses.
    #[schema(example = "acme")]
    pub slug: String,
    /// Name to show.
    pub name: String,
    /// Its own address, where sub-domains are set up; else its path.
    pub url: String,
    /// What the caller may do in it: `member`, `admin`, `owner`; `null` for an administrator who is no member.
    pub role: Option<TeamRole>,
    /// Whether everybody belongs to it.
    pub everybody: bool,
    /// How many belong to it.
    pub members: u64,
    /// What its workspaces stand on when nobody says otherwise; the server's default where `null`.
    pub rootfs: Option<String>,
    /// What its workspaces may use when nobody says otherwise; the server's default where `null`.
    pub limits: Option<LimitsView>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a member may do in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Makes workspaces in it.
    Member,
    /// Manages members, forges and secrets.
    Admin,
    /// Also names admins and owners, and deletes the team.
    Owner,
}

impl From<domain::TeamRole> for TeamRole {
    fn from(role: domain::TeamRole) -> Self {
        match role {
            domain::TeamRole::Member => Self::Member,
            domain::TeamRole::Admin => Self::Admin,
            domain::TeamRole::Owner => Self::Owner,
        }
    }
}

impl From<TeamRole> for domain::TeamRole {
    fn from(role: TeamRole) -> Self {
        match role {
            TeamRole::Member => Self::Member,
            TeamRole::Admin => Self::Admin,
            TeamRole::Owner => Self::Owner,
        }
    }
}

/// Makes a team; its maker becomes the owner.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTeam {
    /// Name in addresses: lower-case letters, digits and single hyphens, at most 40.
    #[schema(example = "acme")]
    pub slug: String,
    /// Name to show; the address where absent.
    #[serde(default)]
    pub name: Option<String>,
}

/// Changes a team; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTeam {
    /// Name in addresses. Old addresses stop working.
    #[serde(default)]
    pub slug: Option<String>,
    /// Name to show.
    #[serde(default)]
    pub name: Option<String>,
    /// What its workspaces stand on; empty for the server's default.
    #[serde(default)]
    pub rootfs: Option<String>,
    /// What its workspaces may use.
    #[serde(default)]
    pub limits: Option<LimitsRequest>,
}

/// Somebody's place in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// Who.
    pub user: UserRef,
    /// As what.
    pub role: TeamRole,
    /// Since when.
    pub since: Timestamp,
}

/// Gives somebody a place in a team, or another one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMember {
    /// As what.
    pub role: TeamRole,
}

/// Invites somebody.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// As what; `member` where absent.
    #[serde(default)]
    pub role: Option<TeamRole>,
    /// Who it is meant for, to remember.
    #[serde(default)]
    pub note: Option<String>,
    /// When it ends, in days from now; 7 where absent, at most 30.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// An invitation, without its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// Id.
    #[schema(value_type = String)]
    pub id: InvitationId,
    /// As what.
    pub role: TeamRole,
    /// Who it is meant for.
    pub note: String,
    /// Who invited.
    pub by: UserRef,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A fresh invitation; the only answer that holds its link.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewInvitation {
    /// The invitation's record.
    #[serde(flatten)]
    pub record: InvitationView,
    /// To be sent to the person. Works once.
    pub url: String,
}

/// Takes an invitation up.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The token in the invitation's link.
    pub token: String,
}

/// What an invitation's link leads to, before it is taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationPreview {
    /// Name of the team.
    pub team: String,
    /// As what.
    pub role: TeamRole,
    /// Who invited.
    pub by: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A secret of a team, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    /// Name of the variable that the team's workspaces see it as.
    #[schema(example = "NPM_TOKEN")]
    pub name: String,
    /// When it was first set.
    pub created_at: Timestamp,
    /// When its value last changed.
    pub updated_at: Timestamp,
}

/// Sets a secret's value.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// The value, at most 64 KiB. Never given back.
    #[schema(format = Password)]
    pub value: String,
}

/// How secrets are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeysView {
    /// `file` or `vault-transit`.
    pub platform_key: String,
    /// Its present version.
    pub platform_key_version: String,
    /// Whether it can be used now; else why not.
    pub problem: Option<String>,
    /// Data keys: one or more for each team and person.
    pub data_keys: u64,
    /// Data keys still wrapped by an older version of the platform key.
    pub wrapped_by_older: u64,
    /// Data keys that only open what was sealed earlier.
    pub retired: u64,
    /// Secrets that are sealed.
    pub secrets: u64,
    /// Secrets still sealed by a retired data key.
    pub sealed_by_retired: u64,
    /// The rotation under way, if any.
    pub rotation: Option<RotationView>,
}

/// A rotation under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotationView {
    /// `platform` or `data`.
    pub level: String,
    /// When it began.
    pub started_at: Timestamp,
    /// What is done.
    pub done: u64,
    /// What there is in all.
    pub total: u64,
}

/// Replaces keys, in the background.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// `platform`: a new platform key wraps all data keys. `data`: new data keys seal all secrets.
    #[schema(example = "data")]
    pub level: String,
}

/// What an administrator decides for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlatformSettings {
    /// What new SSH keys of people are made with: `ed25519`, `ecdsa-p256` or `rsa-4096`.
    #[schema(example = "ed25519")]
    pub ssh_algorithm: String,
    /// Whether people may sign in with a password.
    pub password_sign_in: bool,
    /// Who may make teams: `admins` or `everybody`.
    pub make_teams: String,
    /// Where a new person's first workspaces go: the address of a team.
    pub default_team: String,
}
