//! [`Control`]: the handle everything else calls, and what it is made of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use domain::{Clock, Entropy, Limits, Rootfs, Timestamp, UserId, UserName};
use forge::address::PlainHttp;
use link::Agents;
use runtime::Driver;
use store::{LogWriter, Store};
use tokio::sync::Notify;
use url::Url;

use crate::broker::Broker;
use crate::contexts::ContextMemory;
use crate::forges::ForgeMemory;
use crate::images::Images;
use crate::kites::{KiteMemory, RegistrySettings};
use crate::links::LinkMemory;
use crate::people::{Attempts, Passwords};
use crate::reconcile::{Flights, Listeners, Watchers};
use crate::seal::Keyring;
use crate::tasks::Tasks;
use crate::workspace::{Locks, News};

/// The control plane. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Control {
    pub(crate) inner: Arc<Inner>,
}

/// Everything from beyond the process. Tests make their own.
pub struct Outside {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets unpredictable.
    pub entropy: Arc<dyn Entropy>,
    /// Runs the workspaces.
    pub driver: Arc<dyn Driver>,
    /// The one way out to other machines.
    pub outbound: outbound::Client,
    /// The machine's images; without it only `host` can be used.
    pub images: Option<Arc<dyn Images>>,
    /// The key above all keys that seal secrets.
    pub platform_key: Arc<dyn vault::PlatformKey>,
}

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names this server in leases. Must stay the same across restarts, and differ between servers
    /// that share a database: a restarted server takes up its own work at once.
    pub server: String,
    /// Where people reach this server: forges send browsers back there.
    pub public_url: Url,
    /// Which addresses forges may have; the same as the rest of the server may reach.
    pub network: outbound::Policy,
    /// Whether forges on other machines may be reached without encryption.
    pub plain_http: PlainHttp,
    /// Folder that holds one folder with a socket per workspace, `<data>/run`.
    pub run_folder: PathBuf,
    /// The agent's executable on this machine.
    pub agent: PathBuf,
    /// What a workspace stands on when nothing else is wished.
    pub rootfs: Rootfs,
    /// What a workspace may use when nothing else is wished.
    pub limits: Limits,
    /// Most workspaces that run at the same time; more wait in `queued`. No limit where absent.
    pub max_running: Option<u32>,
    /// Most workspaces of one person, whatever their phase.
    pub max_per_user: u64,
    /// Most effects that are performed at the same time.
    pub parallel_effects: usize,
    /// Time between passes that need no nudge; none at all where absent, for tests.
    pub timer: Option<Duration>,
    /// How long processes may take to end when asked to.
    pub stop_grace: Duration,
    /// How kites are registered.
    pub registry: RegistrySettings,
}

impl Settings {
    /// The defaults for a server whose data lies in `data`.
    pub fn new(data: &Path, agent: PathBuf) -> Self {
        Self {
            server: "hearth".into(),
            public_url: local_url(),
            network: outbound::Policy::public_only(),
            plain_http: PlainHttp::Refused,
            run_folder: data.join("run"),
            agent,
            rootfs: Rootfs::Host,
            limits: Limits::default(),
            max_running: None,
            max_per_user: 200,
            parallel_effects: 32,
            timer: Some(Duration::from_secs(5)),
            stop_grace: Duration::from_secs(5),
            registry: RegistrySettings::default(),
        }
    }
}

/// Where a server is that nobody has told.
fn local_url() -> Url {
    #[expect(clippy::expect_used, reason = "it is a constant")]
    "http://127.0.0.1:8090/".parse().expect("a URL")
}

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) agents: Agents,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) outbound: outbound::Client,
    pub(crate) images: Option<Arc<dyn Images>>,
    pub(crate) settings: Settings,
    pub(crate) tasks: Tasks,
    pub(crate) logs: LogWriter,
    pub(crate) news: News,
    /// One change to a workspace's sandbox at a time.
    pub(crate) locks: Locks,
    /// The effects that are being performed.
    pub(crate) flights: Flights,
    pub(crate) listeners: Listeners,
    pub(crate) watchers: Watchers,
    /// Wakes the worker at once.
    pub(crate) wake: Notify,
    /// Wakes the one who runs jobs.
    pub(crate) job_wake: Notify,
    pub(crate) passwords: Passwords,
    pub(crate) keyring: Keyring,
    pub(crate) forges: ForgeMemory,
    pub(crate) links: LinkMemory,
    pub(crate) broker: Broker,
    pub(crate) contexts: ContextMemory,
    pub(crate) kites: KiteMemory,
    /// Set once it is known that the server has been set up, which stays true.
    pub(crate) is_set_up: OnceLock<()>,
    attempts: Mutex<Attempts>,
    user_names: Mutex<HashMap<UserId, UserName>>,
}

impl Control {
    /// Puts the control plane together. Nothing happens by itself before [`Control::run`].
    ///
    /// Must be called within a Tokio runtime.
    pub fn new(store: Store, agents: Agents, outside: Outside, settings: Settings) -> Self {
        let Outside { clock, entropy, driver, outbound, images, platform_key } = outside;
        let inner = Arc::new_cyclic(|inner| Inner {
            kites: KiteMemory::new(inner, &settings, clock.clone(), entropy.clone()),
            logs: store.log_writer(),
            store,
            agents,
            clock,
            passwords: Passwords::new(entropy.clone()),
            keyring: Keyring::new(platform_key),
            forges: ForgeMemory::default(),
            links: LinkMemory::new(&*entropy),
            contexts: ContextMemory::default(),
            entropy,
            driver,
            outbound,
            images,
            flights: Flights::new(settings.parallel_effects),
            settings,
            tasks: Tasks::default(),
            news: News::default(),
            locks: Locks::default(),
            listeners: Listeners::default(),
            watchers: Watchers::default(),
            wake: Notify::new(),
            job_wake: Notify::new(),
            is_set_up: OnceLock::new(),
            broker: Broker::default(),
            attempts: Mutex::default(),
            user_names: Mutex::default(),
        });
        Self { inner }
    }

    /// The connected agents.
    pub fn agents(&self) -> &Agents {
        &self.inner.agents
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn attempts(&self) -> MutexGuard<'_, Attempts> {
        hold(&self.inner.attempts)
    }

    pub(crate) fn user_names(&self) -> MutexGuard<'_, HashMap<UserId, UserName>> {
        hold(&self.inner.user_names)
    }
}

/// Locks what is only ever changed by single assignments, so that a panic elsewhere cannot have torn it.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
