//! Kites: what the registry knows, who may see and call it, and the keys that programs register with.
//!
//! The registry itself is `crates/registry`; here is what it asks for (`policy`, `storage`) and everything that a
//! person can do with it by other ways than the protocol. Rights are decided in `domain::kite`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::{
    Clock, Entropy, KiteKeyId, KiteVia, SignedDuration, TeamId, Timestamp, UserId, UserName, WorkspaceId,
};
use registry::Registry;
use serde::Serialize;
use tokio::sync::{OnceCell, watch};
use vault::{Secret, Token};

use crate::control::{Control, Inner, Settings};
use crate::error::Error;

mod changes;
mod codes;
mod credential;
mod keys;
mod kite_keys;
mod list;
mod policy;
mod relay;
mod revoked;
mod shares;
mod storage;
mod viewer;

pub use relay::{RelayFull, RelayVisit};
pub(crate) use revoked::announce_kite_rights;

/// How long a start waits for the platform key to open the registry's; goes on without it then.
const KEYS_PATIENCE: Duration = Duration::from_secs(2);

/// How kites are registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// The region of agents' kites.
    pub region: String,
    /// How long a token for calling a kite is good.
    pub token_life: SignedDuration,
    /// Days a kite key is good for when nobody says.
    pub key_days: u32,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self { region: "local".into(), token_life: SignedDuration::from_hours(1), key_days: 30 }
    }
}

/// The registry, and what the control plane knows of it.
pub(crate) struct KiteMemory {
    pub(crate) registry: Registry,
    /// Who is connected to agents' kites.
    pub(crate) relays: relay::Places,
    /// The pair that it signs with, once it has one.
    signer: watch::Sender<Option<String>>,
    /// Set once what was stored has been read.
    opened: OnceCell<()>,
}

impl KiteMemory {
    /// A registry that asks the control plane, which owns it: hence weak.
    pub(crate) fn new(
        inner: &Weak<Inner>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let public_url = settings.public_url.as_str().trim_end_matches('/');
        let own = registry::Settings {
            token_life: settings.registry.token_life,
            region: settings.registry.region.clone(),
            ..registry::Settings::new(public_url, &settings.server)
        };
        let policy = Arc::new(policy::KitePolicy(inner.clone()));
        let storage = Arc::new(storage::KiteStorage(inner.clone()));
        let outside = registry::Outside { clock, entropy };
        Self {
            registry: Registry::new(own, outside, policy, storage),
            relays: relay::Places::default(),
            signer: watch::Sender::default(),
            opened: OnceCell::new(),
        }
    }
}

impl Control {
    /// The registry: methods for connections, and what goes over HTTP.
    pub fn registry(&self) -> &Registry {
        &self.inner.kites.registry
    }

    /// The registry's own address, as kites are told it.
    pub(crate) fn registry_url(&self) -> String {
        format!("{}/kite", self.inner.settings.public_url.as_str().trim_end_matches('/'))
    }

    /// Reads what was registered before this server was started, and the registry's keys where there are any. To be
    /// called before connections are accepted, so that whoever comes back is known; [`Control::run`] does it too,
    /// and only the first counts. First keys are made behind everybody's back.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn open_registry(&self) -> Result<(), Error> {
        let kites = &self.inner.kites;
        let opened = kites.opened.get_or_try_init(async || {
            kites.registry.load().await.map_err(|error| Error::Internal {
                what: "cannot read what kites were registered".into(),
                source: Box::new(error),
            })?;
            let keys = tokio::time::timeout(KEYS_PATIENCE, self.read_registry_keys()).await;
            if let Ok(Err(error)) = keys {
                tracing::warn!(error = &error as &dyn std::error::Error, "the registry has no keys yet");
            }
            Ok(())
        });
        opened.await.copied()
    }
}

/// A registered kite, as one caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteFacts {
    /// Id, as the kite itself gave it; of an agent, the workspace's.
    pub id: String,
    /// Field of the kite: its owner's name, as the protocol writes it.
    pub username: String,
    /// Field of the kite.
    pub environment: String,
    /// Field of the kite.
    pub name: String,
    /// Field of the kite.
    pub version: String,
    /// Field of the kite.
    pub region: String,
    /// Field of the kite.
    pub hostname: String,
    /// Where callers reach it.
    pub url: String,
    /// Whose it is.
    pub owner: UserId,
    /// Its owner's name.
    pub owner_name: UserName,
    /// The workspace it is the agent of, if it is one.
    pub workspace: Option<WorkspaceId>,
    /// The team whose members may call it, if its key was made for one.
    pub team: Option<TeamId>,
    /// What keeps it registered.
    pub via: KiteVia,
    /// Whether it is there now; not while a restarted server waits for it to come back.
    pub connected: bool,
    /// Since when it is registered.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// Calls it has served, if it says so.
    pub calls: Option<u64>,
    /// Calls it answered with an error, if it says so.
    pub errors: Option<u64>,
    /// Tokens for it that were given out since it registered.
    pub tokens: u64,
    /// The server it is connected to.
    pub server: String,
    /// Whether the caller may call it.
    pub may_call: bool,
}

/// Which kites; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KiteFilter {
    /// Its owner's name, as the protocol writes it.
    pub username: Option<String>,
    /// Environment.
    pub environment: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Version, or a constraint such as `>= 1.0, < 2.0`.
    pub version: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Hostname.
    pub hostname: Option<String>,
    /// Id.
    pub id: Option<String>,
}

/// A token for exactly one kite.
pub struct KiteToken {
    /// The token.
    pub token: Secret<String>,
    /// Where the kite is called.
    pub url: String,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Somebody whom a kite is shared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteShareFacts {
    /// What is shared: `ws_…` or `environment/name`.
    pub subject: domain::ShareSubject,
    /// With whom.
    pub user: UserId,
    /// That person's name.
    pub user_name: UserName,
    /// Since when.
    pub since: Timestamp,
}

/// A kite key to make. Texts as they came in; they are parsed here.
#[derive(Debug, Clone, Default)]
pub struct KiteKeyWish {
    /// What it is for.
    pub name: String,
    /// The team whose members may call what is registered with it, by id or address; nobody else where absent.
    pub team: Option<String>,
    /// Days until it ends, 1 to 365; the server's setting where absent.
    pub days: Option<u32>,
}

/// A kite key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteKeyFacts {
    /// Id, which stays the same when a kite is given the next issue.
    pub id: KiteKeyId,
    /// What it is for.
    pub name: String,
    /// The team whose members may call what is registered with it.
    pub team: Option<TeamId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its newest issue ends.
    pub expires_at: Timestamp,
    /// When it was last used, if it was; a few minutes stale.
    pub last_used_at: Option<Timestamp>,
    /// How many kites are registered with it now.
    pub kites: u64,
}

/// A one-time code that a new machine trades for a kite key.
pub struct KiteCode {
    /// The code, shown this once.
    pub code: Token,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The registry that takes it.
    pub registry: String,
}

/// A pair that the registry signs with, or has signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryKeyFacts {
    /// Id: the header `kid` of what it signs.
    pub id: String,
    /// The public half, PEM.
    pub public_key: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it signs no more; absent for the present one.
    pub retired_at: Option<Timestamp>,
    /// How many kite keys that are good now it has signed.
    pub kite_keys: u64,
}

/// What becomes of what older pairs have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderKeys {
    /// It stays good until it ends by itself; kites get the next issue when they register.
    Keep,
    /// It is void at once, for a pair that somebody else has: every kite needs a new key by hand.
    Revoke,
}

/// Something about a kite that the caller may see has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteChange {
    /// Which; any of them where absent.
    pub id: Option<String>,
}
