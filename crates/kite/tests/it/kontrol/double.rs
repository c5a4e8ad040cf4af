//! A small registry made of a kite service, and the ways to it: enough for the client's side, and able to misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use kite::error::kind;
use kite::kontrol::{Credential, Kontrol, Now, Query, RegistryKeys};
use kite::token::{KiteKeyClaims, SigningKey, TokenClaims, TokenText};
use kite::transport::pair;
use kite::{
    Authenticator, Callback, Claim, Context, Error, Kite, MethodOptions, Peer, Request, Service, Verified,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::token::{ISSUER, key};

pub(crate) const REGISTRY: &str = "https://hearth.example/kite";

/// A clock that is moved by hand.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<Mutex<Timestamp>>);

#[expect(clippy::disallowed_methods, reason = "another process has the real clock")]
fn real_time() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

impl Default for HandClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new("2026-11-20T12:00:00Z".parse().unwrap())))
    }
}

impl HandClock {
    pub(crate) fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

/// A kite of this name and id, of ada.
pub(crate) fn kite(name: &str, id: &str) -> Kite {
    Kite {
        id: id.to_owned(),
        username: "ada".to_owned(),
        environment: "dev".to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        region: "local".to_owned(),
        hostname: "box".to_owned(),
    }
}

/// What the registry was asked, and how it answers.
#[derive(Default)]
pub(crate) struct State {
    /// Method, credential and first argument of every call.
    pub(crate) calls: Vec<(String, String, Value)>,
    /// Kites by id, with their URL.
    pub(crate) kites: BTreeMap<String, (Kite, String)>,
    pub(crate) watchers: BTreeMap<String, Callback>,
    /// The next kite key that `register` gives out.
    pub(crate) reissue: Option<String>,
    /// Answers of these methods, in the place of the usual ones.
    pub(crate) refuse: BTreeMap<String, Error>,
    /// What signs tokens, and what `getKey` answers, if not the usual key.
    pub(crate) signing: Option<Arc<SigningKey>>,
    /// Credentials that are good no more.
    pub(crate) void: Vec<String>,
    /// Whether `register` answers the key that tokens are signed with.
    pub(crate) tells_key: bool,
    /// Whether what registers can be found.
    registers: bool,
    tokens: usize,
}

/// The registry, the clock of both ends, and who is connected.
#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) clock: HandClock,
    pub(crate) service: Service,
    peers: Arc<watch::Sender<Option<Peer>>>,
    /// The registry's end of the connection.
    remote: Arc<Mutex<Option<Peer>>>,
}

impl Double {
    pub(crate) fn new() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let clock = HandClock::default();
        let service = service(&state, &clock);
        let peers = Arc::new(watch::Sender::new(None));
        Self { state, clock, service, peers, remote: Arc::default() }
    }

    /// The client's side, connected or not.
    pub(crate) fn client(&self, service: &Service, credential: Credential) -> Kontrol {
        self.client_with(service, credential, RegistryKeys::default())
    }

    pub(crate) fn client_with(
        &self,
        service: &Service,
        credential: Credential,
        keys: RegistryKeys,
    ) -> Kontrol {
        Kontrol::over(service, self.peers.subscribe(), credential, keys, self.now())
    }

    pub(crate) fn now(&self) -> Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.now())
    }

    /// Makes a connection of this service, in the place of the one before.
    pub(crate) fn connect(&self, service: &Service) {
        let (near, far) = pair(64);
        let (peer, connection) = service.serve(near, Context::default());
        tokio::spawn(connection);
        let (remote, connection) = self.service.serve(far, Context::default());
        tokio::spawn(connection);
        *self.remote.lock().unwrap() = Some(remote);
        self.peers.send_replace(Some(peer));
    }

    /// The connection breaks; the peer of it stays shown, as it does for a moment with a real one.
    pub(crate) async fn break_off(&self) {
        let remote = self.remote.lock().unwrap().take().unwrap();
        self.state.lock().unwrap().watchers.clear();
        remote.close();
        remote.closed().await;
    }

    /// The registry calls a method of the kite that is connected to it.
    pub(crate) async fn call_back<R: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        argument: impl serde::Serialize,
    ) -> Result<R, Error> {
        let remote = self.remote.lock().unwrap().clone().unwrap();
        remote.call(method, argument).await
    }

    /// Answers a method with an error from now on, or as usual.
    pub(crate) fn refuse(&self, method: &str, error: Option<Error>) {
        let mut state = self.state.lock().unwrap();
        match error {
            Some(error) => state.refuse.insert(method.to_owned(), error),
            None => state.refuse.remove(method),
        };
    }

    /// How often a method was called.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|(name, ..)| name == method).count()
    }

    /// Credential and argument of the last call of a method.
    pub(crate) fn last(&self, method: &str) -> (String, Value) {
        let state = self.state.lock().unwrap();
        let (_, credential, argument) = state.calls.iter().rfind(|(name, ..)| name == method).unwrap();
        (credential.clone(), argument.clone())
    }

    /// Shows the real time, for other processes.
    pub(crate) fn follows_the_real_clock(&self) {
        *self.clock.0.lock().unwrap() = real_time();
    }

    /// From now on, what registers can be found.
    pub(crate) fn registers_for_good(&self) {
        self.state.lock().unwrap().registers = true;
    }

    pub(crate) fn add(&self, kite: &Kite, url: &str) {
        self.state.lock().unwrap().kites.insert(kite.id.clone(), (kite.clone(), url.to_owned()));
    }

    pub(crate) fn remove(&self, kite: &Kite) {
        self.state.lock().unwrap().kites.remove(&kite.id);
    }

    /// Tells all watchers.
    pub(crate) async fn tell(&self, event: &Value) {
        let watchers: Vec<Callback> = self.state.lock().unwrap().watchers.values().cloned().collect();
        for watcher in watchers {
            watcher.call(event).await.unwrap();
        }
    }

    pub(crate) async fn tell_register(&self, kite: &Kite, url: &str) {
        self.add(kite, url);
        self.tell(&json!({ "action": "REGISTER", "kite": kite, "url": url })).await;
    }

    pub(crate) async fn tell_deregister(&self, kite: &Kite) {
        self.remove(kite);
        self.tell(&json!({ "action": "DEREGISTER", "kite": kite })).await;
    }
}

/// A kite key of this person.
pub(crate) fn kite_key(subject: &str, id: &str) -> TokenText {
    kite_key_at(REGISTRY, subject, id)
}

/// A kite key for the registry at this URL.
pub(crate) fn kite_key_at(registry: &str, subject: &str, id: &str) -> TokenText {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let claims = KiteKeyClaims {
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        audience: registry.to_owned(),
        issued_at: now,
        expires_at: now + SignedDuration::from_hours(30 * 24),
        id: id.to_owned(),
        kontrol_url: registry.to_owned(),
        kontrol_key: key().public().to_pem().to_owned(),
    };
    key().sign(&claims).unwrap()
}

/// A token of `subject` for this kite, of an hour.
pub(crate) fn token(
    signing: &SigningKey,
    now: Timestamp,
    subject: &str,
    kite: &Kite,
    id: usize,
) -> TokenText {
    let claims = TokenClaims {
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        audience: kite.path(),
        issued_at: now,
        not_before: now,
        expires_at: now + SignedDuration::from_hours(1),
        id: format!("tok_{id}"),
        credential: None,
    };
    signing.sign(&claims).unwrap()
}

/// Takes everybody but those who are to be refused, and remembers what was presented.
struct Anybody(Arc<Mutex<State>>);

#[async_trait]
impl Authenticator for Anybody {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let presented =
            claim.authentication.map_or_else(String::new, |it| format!("{} {}", it.kind(), it.expose()));
        let mut state = self.0.lock().unwrap();
        let refused = state.refuse.get(claim.method).filter(|error| error.is(kind::AUTHENTICATION)).cloned();
        let is_void = state.void.contains(&presented);
        let refused = refused.or_else(|| is_void.then(|| Error::authentication("token is expired")));
        if let Some(error) = refused {
            state.calls.push((claim.method.to_owned(), presented, Value::Null));
            return Err(error);
        }
        Ok(Verified::user("bob").with(presented))
    }
}

#[derive(Deserialize)]
struct Watching {
    query: Query,
    #[serde(rename = "watchCallback")]
    callback: Option<Callback>,
}

fn service(state: &Arc<Mutex<State>>, clock: &HandClock) -> Service {
    let mut builder =
        Service::builder(kite("kontrol", "registry")).authenticator(Arc::new(Anybody(state.clone())));
    for method in ["register", "getKites", "getToken", "getKey", "report", "cancelWatcher"] {
        let state = Arc::clone(state);
        let clock = clock.clone();
        builder = builder.method_with(method, MethodOptions::default(), move |request: Request| {
            let answer = answer(&state, &clock, &request);
            async move { answer }
        });
    }
    builder.build()
}

fn answer(state: &Mutex<State>, clock: &HandClock, request: &Request) -> Result<Value, Error> {
    let mut state = state.lock().unwrap();
    let argument = request.raw().first().cloned().unwrap_or_default();
    let credential = request.caller().authority::<String>().cloned().unwrap_or_default();
    state.calls.push((request.method().to_owned(), credential, argument.clone()));
    if let Some(error) = state.refuse.get(request.method()) {
        return Err(error.clone());
    }
    match request.method() {
        "register" => {
            let url = argument["url"].as_str().unwrap().to_owned();
            let mut answer = json!({ "url": url, "heartbeatInterval": 0 });
            if state.registers {
                let kite = request.caller().kite.clone();
                let kite = Kite { username: "ada".to_owned(), ..kite };
                state.kites.insert(kite.id.clone(), (kite, url));
            }
            if state.tells_key {
                answer["publicKey"] =
                    json!(state.signing.as_deref().unwrap_or_else(|| key()).public().to_pem());
            }
            if let Some(text) = state.reissue.take() {
                answer["kiteKey"] = json!(text);
            }
            Ok(answer)
        }
        "getKites" => {
            let Watching { query, callback } = request.arg()?;
            let kites: Vec<Value> = (state.kites.values())
                .filter(|(kite, _)| query.name.is_empty() || query.name == kite.name)
                .map(|(kite, url)| json!({ "kite": kite, "url": url, "keyId": "k" }))
                .collect();
            let mut answer = json!({ "kites": kites });
            if let Some(callback) = callback {
                let id = format!("w{}", state.calls.len());
                state.watchers.insert(id.clone(), callback);
                answer["watcherID"] = json!(id);
            }
            Ok(answer)
        }
        "getToken" => {
            state.tokens += 1;
            let query: Query = request.arg()?;
            let (kite, _) = state.kites.get(&query.id).ok_or_else(|| Error::generic("no kites found"))?;
            let signing = state.signing.as_deref().unwrap_or_else(|| key());
            Ok(json!(token(signing, clock.now(), "bob", kite, state.tokens).expose()))
        }
        "getKey" => {
            let signing = state.signing.as_deref().unwrap_or_else(|| key());
            Ok(json!(signing.public().to_pem()))
        }
        "cancelWatcher" => Ok(json!(state.watchers.remove(argument.as_str().unwrap()).is_some())),
        _ => Ok(Value::Null),
    }
}
