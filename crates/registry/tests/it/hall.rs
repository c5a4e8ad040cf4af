//! A registry that runs, and connections to it.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domain::{SignedDuration, Timestamp, UserId, WorkspaceId};
use futures_util::{SinkExt, StreamExt};
use kite::token::{PublicKey, SigningKey, TokenText};
use kite::transport::{PairEnd, pair};
use kite::{Authentication, Context, Error, Functions, Kite, Peer, Service};
use registry::{AgentSeat, IssuedKey, Keys, Origin, Outside, Registry, Settings};
use serde_json::{Value, json};
use testkit::{FakeClock, SeededEntropy};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::shelf::Shelf;
use crate::world::World;

/// Long enough for a machine on which everything else runs, too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Made once: it takes a while.
static KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate().unwrap()));

pub(crate) fn signing_key() -> Arc<SigningKey> {
    KEY.clone()
}

pub(crate) struct Hall {
    pub(crate) registry: Registry,
    pub(crate) world: Arc<World>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) clock: FakeClock,
    pub(crate) stop: CancellationToken,
    pub(crate) alice: UserId,
    pub(crate) bob: UserId,
    pub(crate) running: tokio::task::JoinHandle<()>,
}

impl Hall {
    /// A registry with alice and bob and nothing else.
    pub(crate) async fn new() -> Self {
        let clock = FakeClock::default();
        let world = Arc::new(World::new(clock.clone()));
        let (alice, bob) = (world.person("alice"), world.person("bob"));
        world.key("alice-key", alice, None);
        world.key("bob-key", bob, None);
        let hall = Self::of(world, Arc::new(Shelf::default()), clock, "here");
        Self { alice, bob, ..hall.loaded().await }
    }

    /// One more server on the same world and shelf.
    pub(crate) async fn beside(&self, server: &str) -> Self {
        let hall = Self::of(self.world.clone(), self.shelf.clone(), self.clock.clone(), server);
        Self { alice: self.alice, bob: self.bob, ..hall.loaded().await }
    }

    fn of(world: Arc<World>, shelf: Arc<Shelf>, clock: FakeClock, server: &str) -> Self {
        let settings = Settings::new("https://hearth.test", server);
        let seed = server.bytes().map(u64::from).sum();
        let outside = Outside { clock: Arc::new(clock.clone()), entropy: Arc::new(SeededEntropy::new(seed)) };
        let registry = Registry::new(settings, outside, world.clone(), shelf.clone());
        registry.set_keys(Keys { current: signing_key(), retired: vec![] });
        let stop = CancellationToken::new();
        let running = tokio::spawn(async {});
        Self { registry, world, shelf, clock, stop, alice: UserId::NIL, bob: UserId::NIL, running }
    }

    async fn loaded(mut self) -> Self {
        self.registry.load().await.unwrap();
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.running = tokio::spawn(async move { registry.run(stop).await });
        self
    }

    /// Stops as a server does: first the registry, then the connections, which the test drops.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        soon(&mut self.running).await.unwrap();
    }

    /// Lets time pass for clock and timers alike, second by second.
    pub(crate) async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(SignedDuration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The text of a kite key that the world knows by this name.
    pub(crate) fn kite_key(&self, name: &str) -> TokenText {
        let username = self.world.facts().credentials[name].username.clone();
        let issued_at = now(&self.clock);
        let expires_at = issued_at + SignedDuration::from_hours(30 * 24);
        self.world.facts().lives.insert(name.to_owned(), (issued_at, expires_at));
        let issued = IssuedKey { id: name.to_owned(), username, issued_at, expires_at };
        self.registry.sign_kite_key(&issued).unwrap()
    }

    /// A connection of somebody with this kite key.
    pub(crate) fn connect(&self, key: &str) -> Client {
        let text = self.kite_key(key);
        self.client(a_kite("cli"), Some(Authentication::kite_key(text.expose())), origin(None))
    }

    /// The same of a kite that says this of itself.
    pub(crate) fn connect_as(&self, key: &str, kite: Kite) -> Client {
        let text = self.kite_key(key);
        self.client(kite, Some(Authentication::kite_key(text.expose())), origin(None))
    }

    /// A connection of somebody with an API token.
    pub(crate) fn connect_with_token(&self, token: &str) -> Client {
        self.client(a_kite("cli"), Some(Authentication::token(token)), origin(None))
    }

    /// Any connection.
    pub(crate) fn client(
        &self,
        kite: Kite,
        authentication: Option<Authentication>,
        origin: Origin,
    ) -> Client {
        self.client_of(&Service::client(kite), authentication, origin)
    }

    /// A connection of somebody who serves methods, too.
    pub(crate) fn client_of(
        &self,
        service: &Service,
        authentication: Option<Authentication>,
        origin: Origin,
    ) -> Client {
        let (near, far) = pair(64);
        let registry = self.registry.clone();
        tokio::spawn(async move { registry.serve(far, Context::with(origin)).await });
        let (peer, connection) = service.serve(near, Context::default());
        tokio::spawn(connection);
        peer.set_authentication(authentication);
        Client { peer }
    }

    /// The connection of a workspace's agent.
    pub(crate) fn agent(&self, workspace: WorkspaceId) -> Client {
        let (near, far) = pair(64);
        let (_, connection) = self.registry.service().serve(far, Context::with(AgentSeat { workspace }));
        tokio::spawn(connection);
        let kite = Kite { version: "0.1.0".into(), ..Kite::default() };
        let (peer, connection) = Service::client(kite).serve(near, Context::default());
        tokio::spawn(connection);
        Client { peer }
    }

    /// A connection whose texts are written and read by hand.
    pub(crate) fn hand(&self, origin: Origin) -> Hand {
        let (near, far) = pair(64);
        let registry = self.registry.clone();
        tokio::spawn(async move { registry.serve(far, Context::with(origin)).await });
        Hand(near)
    }

    /// Another pair, with the one before still good or not.
    pub(crate) fn rotate(&self, keeps: bool) -> Arc<SigningKey> {
        let current = Arc::new(SigningKey::generate().unwrap());
        let old = PublicKey::from_pem(signing_key().public().to_pem()).unwrap();
        let retired = if keeps { vec![old] } else { vec![] };
        self.registry.set_keys(Keys { current: current.clone(), retired });
        current
    }

    /// Waits until these kites, and no others, are there.
    pub(crate) async fn until_ids(&self, ids: &[&str]) {
        soon(async {
            while self.ids() != ids {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// All ids, in their order.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> =
            self.registry.list(None, &Everything).iter().map(|entry| entry.kite.id.clone()).collect();
        ids.sort();
        ids
    }
}

/// Somebody who sees everything.
pub(crate) struct Everything;

impl registry::Viewer for Everything {
    fn may(&self, _: domain::KiteAction, _: &registry::Entry) -> bool {
        true
    }
}

pub(crate) struct Client {
    pub(crate) peer: Peer,
}

impl Client {
    pub(crate) async fn call(&self, method: &str, argument: Value) -> Result<Value, Error> {
        soon(self.peer.call::<Value>(method, (argument,))).await
    }

    /// The sentence of an error that must come.
    pub(crate) async fn refused(&self, method: &str, argument: Value) -> String {
        self.call(method, argument).await.unwrap_err().message
    }

    pub(crate) async fn register(&self) -> Value {
        self.call("register", json!({"url": "http://127.0.0.1:1/kite"})).await.unwrap()
    }

    /// The kites that are found, by their ids.
    pub(crate) async fn find(&self, query: Value) -> Vec<Value> {
        let found = self.call("getKites", json!({ "query": query })).await.unwrap();
        let mut kites = found["kites"].as_array().unwrap().clone();
        kites.sort_by_key(|kite| kite["kite"]["id"].as_str().unwrap().to_owned());
        kites
    }

    pub(crate) async fn find_ids(&self, query: Value) -> Vec<String> {
        let kites = self.find(query).await;
        kites.iter().map(|kite| kite["kite"]["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Watches; the group must be held for as long as events are wanted.
    pub(crate) async fn watch(&self, field: &str, query: Value) -> (Value, Events) {
        let (sender, events) = mpsc::unbounded_channel();
        let group = Functions::new();
        let function = group.add(move |arguments| {
            sender.send(arguments.arg::<Value>().unwrap()).ok();
            std::future::ready(())
        });
        let wanted = Wanted { query, function: [(field.to_owned(), function)].into() };
        let answer = soon(self.peer.call::<Value>("getKites", (wanted,))).await.unwrap();
        (answer, Events { events, _group: group })
    }
}

/// The arguments of a watch; the field's name is the client's.
#[derive(serde::Serialize)]
struct Wanted {
    query: Value,
    #[serde(flatten)]
    function: std::collections::BTreeMap<String, kite::Function>,
}

pub(crate) struct Events {
    events: mpsc::UnboundedReceiver<Value>,
    _group: Functions,
}

impl Events {
    pub(crate) async fn next(&mut self) -> Value {
        soon(self.events.recv()).await.unwrap()
    }

    /// The action and the id of the next event.
    pub(crate) async fn brief(&mut self) -> (String, String) {
        let event = self.next().await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&event["action"]), text(&event["kite"]["id"]))
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.events.try_recv().is_err()
    }
}

pub(crate) struct Hand(PairEnd);

impl Hand {
    pub(crate) async fn send(&mut self, message: &Value) {
        soon(self.0.send(message.to_string())).await.unwrap();
    }

    /// The next message; none when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let text = soon(self.0.next()).await?.ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }
}

pub(crate) fn origin(address: Option<&str>) -> Origin {
    let address: Option<IpAddr> = address.map(|address| address.parse().unwrap());
    Origin { address, bearer: None }
}

pub(crate) fn a_kite(id: &str) -> Kite {
    Kite {
        id: id.into(),
        username: "whoever".into(),
        environment: "dev".into(),
        name: "math".into(),
        version: "1.2.3".into(),
        region: "eu".into(),
        hostname: "vm".into(),
    }
}

pub(crate) fn now(clock: &FakeClock) -> Timestamp {
    use domain::Clock as _;
    clock.now()
}

/// Waits for something that must happen.
pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not happen in time")
}
