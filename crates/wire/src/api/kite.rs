//! Kites, the keys they register with, and the registry's own keys.

use domain::{KiteKeyId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::UserRef;
use super::workspace::TeamRef;

/// How a kite keeps itself registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KiteVia {
    /// It is the agent of a workspace.
    Agent,
    /// By its connection to the registry.
    Socket,
    /// By heartbeats over HTTP.
    Http,
}

/// A registered kite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KiteView {
    /// Id, as the kite itself gave it; of an agent, the workspace's.
    pub id: String,
    /// Whose it is, in the words of the protocol.
    pub username: String,
    /// What it runs in, such as `production`; `hearth` for agents.
    pub environment: String,
    /// What it is called; `klient` for agents.
    pub name: String,
    /// Its release.
    pub version: String,
    /// Where it runs.
    pub region: String,
    /// Machine it runs on; of an agent, the workspace's name.
    pub hostname: String,
    /// Where callers reach it.
    pub url: String,
    /// Whose it is.
    pub owner: UserRef,
    /// The team whose members may call it; `null` for a kite of its owner alone.
    pub team: Option<TeamRef>,
    /// The workspace it is the agent of.
    #[schema(value_type = Option<String>)]
    pub workspace: Option<WorkspaceId>,
    /// How it keeps itself registered.
    pub via: KiteVia,
    /// Whether it is there now; `false` while a restarted server waits for it to come back.
    pub connected: bool,
    /// Since when it is registered.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
    /// Calls it has served, if it says so.
    pub calls: Option<u64>,
    /// Calls it has answered with an error, if it says so.
    pub errors: Option<u64>,
    /// Tokens for it that the registry has given out since it registered.
    pub tokens: u64,
    /// Whether the caller may call it.
    pub may_call: bool,
}

/// A token for exactly one kite.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct KiteTokenView {
    /// The token.
    pub token: String,
    /// Where the kite is called.
    pub url: String,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Somebody whom a kite is shared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KiteShareView {
    /// Who may call it.
    pub user: UserRef,
    /// Since when.
    pub since: Timestamp,
}

/// A kite key: what a program registers kites with, and asks the registry with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KiteKeyView {
    /// Id, which is the claim `jti` inside.
    #[schema(value_type = String, example = "kkey_01jd2k3v4w5x6y7z8a9b0c1d2e")]
    pub id: KiteKeyId,
    /// What it is for, in its maker's words.
    pub name: String,
    /// The team whose members may call what is registered with it.
    pub team: Option<TeamRef>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, unless a kite that registers with it is given the next one before.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute; `null` for never.
    pub last_used_at: Option<Timestamp>,
    /// How many kites are registered with it now.
    pub kites: u64,
}

/// Makes a kite key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKiteKey {
    /// What it is for.
    pub name: String,
    /// The team whose members may call what is registered with it, by id or address; nobody else where absent.
    #[serde(default)]
    pub team: Option<String>,
    /// After how many days it ends: 1 to 365; the server's setting where absent.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// A kite key that was just made. Its content is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewKiteKey {
    /// The key.
    #[serde(flatten)]
    pub key: KiteKeyView,
    /// The content of the file `kite.key`.
    pub content: String,
}

/// Makes a one-time code, for which the registry's `registerMachine` gives a kite key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKiteCode {
    /// The team whose members may call what is registered with the key.
    #[serde(default)]
    pub team: Option<String>,
}

/// A one-time code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewKiteCode {
    /// The code. It works once.
    pub code: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The registry that takes it.
    pub registry: String,
}

/// A key that the registry signs with, or has signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryKeyView {
    /// Id: the header `kid` of what it signs.
    pub id: String,
    /// The public half, PEM.
    pub public_key: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it signs no more; `null` for the present one.
    pub retired_at: Option<Timestamp>,
    /// How many kite keys that are good now it has signed.
    pub kite_keys: u64,
}

/// Gives the registry a new signing key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateRegistryKey {
    /// Whether everything that older keys have signed is void at once: for a key that somebody else has.
    /// Every kite then needs a new kite key by hand.
    #[serde(default)]
    pub revoke_older: bool,
}

/// Something about the kites that the caller may see has changed; they are to be fetched again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KiteChange {
    /// Which kite, if it is one; all of them where `null`.
    pub id: Option<String>,
}
