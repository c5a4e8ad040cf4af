//! Kites of kite.js and of ours, the registry where they find each other, and the relays to workspaces.

mod command;
pub(crate) mod front;
mod http;
pub(crate) mod klient;
mod registry;
mod rights;
mod service;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use blackbox::person::Person;
use blackbox::server::{Options, PATIENCE, Server};
use serde_json::{Value, json};
use testkit::kite_js::{Driver, Script, Thrown};
use testkit::peers::or_skip;
use testkit::wait_until;

/// The ways of kite.js to connect: transports of sockjs-client, and raw WebSocket.
const TRANSPORTS: [&str; 3] = ["", "websocket", "xhr-polling"];

/// A server whose administrator is `ada`.
struct Place {
    server: Server,
    ada: Person,
}

impl Place {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let server = Server::start_with(options);
        let ada = Person::first(&server, "ada").await;
        Self { server, ada }
    }

    /// An ordinary person.
    async fn person(&self, name: &str) -> Person {
        Person::made_by(&self.ada, &self.server, name).await
    }

    /// A team of these people, by its address.
    async fn team(&self, slug: &str, names: &[&str]) {
        self.ada.post("/teams", json!({"slug": slug})).await.ok();
        for name in names {
            let path = format!("/teams/{slug}/members/{name}");
            self.ada.put(&path, json!({"role": "member"})).await.ok();
        }
    }

    /// The registry's address.
    fn registry(&self) -> String {
        format!("{}/kite", self.server.url)
    }

    /// Connects to the registry with kite.js, as a kite of this name.
    async fn kontrol(&self, driver: &mut Driver, name: &str, key: &str, transport: &str) {
        self.kontrol_as(driver, name, "kiteKey", key, transport).await;
    }

    async fn kontrol_as(&self, driver: &mut Driver, name: &str, kind: &str, key: &str, transport: &str) {
        let wish = json!({
            "do": "kontrol", "as": name, "url": self.registry(), "transport": transport,
            "auth": {"type": kind, "key": key},
            "username": "whoever", "environment": "dev", "name": name, "version": "1.2.3", "region": "here",
            "hostname": "box",
        });
        driver.ask(wish).await.unwrap();
    }
}

/// One driver, if kite.js is there.
fn driver() -> Option<Driver> {
    or_skip(Driver::start())
}

/// Makes a kite key, for a team if one is named, and answers its content.
async fn key_of(person: &Person, team: Option<&str>) -> String {
    let made = person.post("/kite-keys", json!({"name": "a test", "team": team})).await.ok();
    made["content"].as_str().unwrap().to_owned()
}

/// What `fetchKites` finds. What can be connected is called `as.0` and so on.
async fn fetch(driver: &mut Driver, kontrol: &str, query: Value, name: &str) -> Vec<Value> {
    let wish = json!({"do": "fetchKites", "kontrol": kontrol, "query": query, "as": name});
    let found = driver.ask(wish).await.unwrap();
    found.as_array().unwrap().clone()
}

/// Waits until `fetchKites` finds so many.
async fn fetch_until(
    driver: &mut Driver,
    kontrol: &str,
    query: Value,
    name: &str,
    count: usize,
) -> Vec<Value> {
    let begun = std::time::Instant::now();
    loop {
        let found = fetch(driver, kontrol, query.clone(), name).await;
        if found.len() == count {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{count} kites are expected, and not {found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The kites that somebody sees by the API.
async fn kites_of(person: &Person) -> Vec<Value> {
    person.get("/kites").await.ok()["items"].as_array().unwrap().clone()
}

/// Waits until somebody sees so many kites by the API.
async fn kites_until(person: &Person, count: usize) -> Vec<Value> {
    wait_until(PATIENCE, async || kites_of(person).await.len() == count).await;
    kites_of(person).await
}

fn thrown(kind: &str, message: &str) -> Thrown {
    Thrown { kind: kind.to_owned(), message: message.to_owned(), code: String::new() }
}

/// A folder with a kite key, as `KITE_HOME`.
struct Home(tempfile::TempDir);

impl Home {
    fn with(key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kite.key"), key).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn key(&self) -> String {
        std::fs::read_to_string(self.path().join("kite.key")).unwrap()
    }
}

/// The scripts that the documentation shows.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kite").join(name)
}

/// Starts `tests/kite/client.js`.
fn client(home: &Home, arguments: &[&str], more: &[(&str, &OsStr)]) -> Script {
    let mut environment = vec![("KITE_HOME", home.path().as_os_str())];
    environment.extend(more);
    or_skip(Script::start(&script("client.js"), arguments, &environment)).expect("kite.js was there before")
}
