//! The client's side of Kontrol, the registry of kites: being found, finding others, and verifying who calls.
//!
//! [`Kontrol`] stays with one registry over one connection at a time. It registers a kite and keeps it registered
//! over reconnections, finds kites and gets tokens for them, and dials them ([`Remote`]). [`TokenAuthenticator`]
//! is for the kite that is called: it verifies the tokens of callers.
//!
//! Registration is over the socket only: it lives as long as the connection, and the registry calls the built-in
//! `kite.heartbeat` on it. The registry takes registrations by HTTP too (`POST /register`, then `GET
//! /heartbeat?id=` every ten seconds), for programs that cannot keep a socket open; this crate does not.

mod authenticator;
mod call;
mod key_file;
mod key_renewal;
mod kite_key;
mod query;
mod register;
mod registry_keys;
mod remote;
mod report;
mod token_life;
mod tokens;
mod watch;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Mutex as AsyncMutex, watch as state};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use authenticator::TokenAuthenticator;
pub use key_file::{KeyFile, KeyFileError};
pub use kite_key::{KiteKey, KiteKeyError};
pub use query::{Found, Query};
pub use register::Registered;
pub use registry_keys::RegistryKeys;
pub use remote::Remote;
pub use watch::{Change, Watch};

use crate::client::{Client, Dialer, State};
use crate::token::TokenText;
use crate::{Authentication, Limits, Peer, Service};

/// Tells the time; a program passes the system's clock.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What is presented to the registry.
#[derive(Clone)]
pub enum Credential {
    /// A kite key. A new one that the registry gives takes its place, and is kept in the file if there is one.
    /// When the registry refuses it, another one in the file takes its place: programs may share one file, and
    /// only one of them is given the new key.
    KiteKey {
        /// The key.
        key: KiteKey,
        /// Where it is kept.
        file: Option<KeyFile>,
    },
    /// An API token of a person.
    ApiToken(TokenText),
    /// None: the connection itself was authenticated, by a header of its handshake.
    Connection,
}

impl Credential {
    fn to_authentication(&self) -> Option<Authentication> {
        match self {
            Self::KiteKey { key, .. } => Some(key.to_authentication()),
            Self::ApiToken(token) => Some(token.to_authentication()),
            Self::Connection => None,
        }
    }
}

/// One registry, as a kite sees it. Cheap to clone; the work ends with the last clone, and with what was made of
/// it ([`Watch`], [`Remote`]).
#[derive(Clone)]
pub struct Kontrol {
    shared: Arc<Shared>,
    // Cancels the tasks, which hold `shared` too.
    _guard: Arc<DropGuard>,
}

struct Shared {
    service: Service,
    now: Now,
    credential: Mutex<Credential>,
    /// Makes the connections, if we make them.
    client: Option<Client>,
    live: state::Sender<Option<Live>>,
    registered: state::Sender<Option<Registered>>,
    /// The URL to register with at each new connection. Locked while a registration is under way.
    wanted_url: AsyncMutex<Option<String>>,
    tokens: tokens::Tokens,
    keys: RegistryKeys,
    stop: CancellationToken,
}

/// A connection to the registry that is ready to be used. Generations count connections.
#[derive(Clone)]
struct Live {
    peer: Peer,
    generation: u64,
}

impl Kontrol {
    /// Stays connected to the registry that `dialer` dials. Returns at once; calls wait for the connection.
    ///
    /// `service` is what the registry calls back on the same connection, and what [`Kontrol::register`] registers.
    /// Messages of the registry may be as long as [`Limits::default`] says even if the service's own limit is
    /// lower, because a list of many kites is long.
    /// `keys` are kept up to date if somebody verifies with them. Must be called within a Tokio runtime.
    pub fn connect(
        service: &Service,
        dialer: Dialer,
        credential: Credential,
        keys: RegistryKeys,
        now: Now,
    ) -> Self {
        let mut builder = Client::builder(dialer, service.with_limits(registry_limits(service.limits())));
        if let Some(authentication) = credential.to_authentication() {
            builder = builder.authentication(authentication);
        }
        let client = builder.start();
        let (shown, peers) = state::channel(None);
        tokio::spawn(show_peers(client.state(), shown));
        Self::begin(Shared::new(service, credential, Some(client), keys, now), peers)
    }

    /// Stays with the registry over connections that somebody else makes, of this `service`, one after the other.
    ///
    /// What [`Kontrol::connect`] says goes for this too.
    pub fn over(
        service: &Service,
        peers: state::Receiver<Option<Peer>>,
        credential: Credential,
        keys: RegistryKeys,
        now: Now,
    ) -> Self {
        Self::begin(Shared::new(service, credential, None, keys, now), peers)
    }

    fn begin(shared: Shared, peers: state::Receiver<Option<Peer>>) -> Self {
        let shared = Arc::new(shared);
        let stop = shared.stop.clone();
        tokio::spawn(until(stop.clone(), Arc::clone(&shared).attend(peers)));
        tokio::spawn(until(stop.clone(), Arc::clone(&shared).keep_registered()));
        tokio::spawn(until(stop.clone(), Arc::clone(&shared).report()));
        tokio::spawn(until(stop.clone(), Arc::clone(&shared).keep_keys()));
        Self { shared, _guard: Arc::new(stop.drop_guard()) }
    }

    /// Ends the connection and all work, for every clone. Calls then fail with `disconnect`.
    pub fn close(&self) {
        self.shared.stop.cancel();
        if let Some(client) = &self.shared.client {
            client.stop();
        }
        if let Some(live) = self.shared.live.send_replace(None) {
            live.peer.close();
        }
        self.shared.registered.send_replace(None);
    }
}

impl Shared {
    fn new(
        service: &Service,
        credential: Credential,
        client: Option<Client>,
        keys: RegistryKeys,
        now: Now,
    ) -> Self {
        Self {
            service: service.clone(),
            now,
            credential: Mutex::new(credential),
            client,
            live: state::Sender::new(None),
            registered: state::Sender::new(None),
            wanted_url: AsyncMutex::new(None),
            tokens: tokens::Tokens::default(),
            keys,
            stop: CancellationToken::new(),
        }
    }

    /// Makes each new connection ready: gives it the credential, then shows it to everybody else.
    async fn attend(self: Arc<Self>, mut peers: state::Receiver<Option<Peer>>) {
        for generation in 1_u64.. {
            let Ok(Some(peer)) = peers.wait_for(Option::is_some).await.map(|peer| peer.clone()) else {
                return;
            };
            self.show(Live { peer: peer.clone(), generation });
            tokio::select! {
                () = peer.closed() => {}
                // Another took its place, or there is none any more.
                changed = peers.changed() => if changed.is_err() { return },
            }
            self.live.send_replace(None);
            self.registered.send_replace(None);
            // A closed peer may be shown for a while; nothing else tells that the next one came.
            while peers.borrow_and_update().as_ref().is_some_and(Peer::is_closed) {
                if peers.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Gives a connection the credential, and shows it. Both under the lock, so that a credential that is set at
    /// the same time comes before or after both.
    fn show(&self, live: Live) {
        let credential = self.credential.lock().unwrap_or_else(PoisonError::into_inner);
        live.peer.set_authentication(credential.to_authentication());
        self.live.send_replace(Some(live));
    }

    fn credential(&self) -> Credential {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Presents another credential from now on, on this connection and the next ones.
    fn set_credential(&self, credential: Credential) {
        let authentication = credential.to_authentication();
        let mut kept = self.credential.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = credential;
        if let Some(client) = &self.client {
            client.set_authentication(authentication.clone());
        }
        if let Some(live) = &*self.live.borrow() {
            live.peer.set_authentication(authentication);
        }
    }
}

/// A service's limits, with room for what a registry answers.
fn registry_limits(own: &Limits) -> Limits {
    let least = Limits::default();
    Limits {
        message_bytes: own.message_bytes.max(least.message_bytes),
        message_memory: own.message_memory.max(least.message_memory),
        ..own.clone()
    }
}

/// Shows the connection that the client has, if any, until it is stopped.
async fn show_peers(mut client: state::Receiver<State>, shown: state::Sender<Option<Peer>>) {
    loop {
        let peer = match &*client.borrow_and_update() {
            State::Connected(peer) => Some(peer.clone()),
            State::Connecting | State::Waiting { .. } => None,
            State::Stopped => return,
        };
        shown.send_replace(peer);
        if client.changed().await.is_err() {
            return;
        }
    }
}

/// Runs some work, until it ends or is to stop.
async fn until(stop: CancellationToken, work: impl Future<Output = ()> + Send) {
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}
