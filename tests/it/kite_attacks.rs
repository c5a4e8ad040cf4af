//! Attacks on the registry and the relays of a running server, by strangers and by people with a key of their own.
//!
//! What goes wrong at one of them may end the attacker's connection and nothing else: others are answered all the
//! while, and the server's memory stays within a bound.

mod credentials;
mod floods;
mod nonsense;

use std::sync::Arc;

use blackbox::person::Person;
use blackbox::server::{Options, Server};
use kite::client::{Dialer, Transports};
use kite::kontrol::{Credential, KiteKey, Kontrol, Now, RegistryKeys};
use kite::{Context, Kite, Peer, Service};
use serde_json::json;

/// A server whose administrator is `ada`, with a kite key of hers.
struct Place {
    server: Server,
    ada: Person,
    key: String,
}

impl Place {
    async fn new() -> Self {
        Self::with(Options { serve: true, ..Options::default() }).await
    }

    async fn with(options: Options) -> Self {
        let server = Server::start_with(options);
        let ada = Person::first(&server, "ada").await;
        let made = ada.post("/kite-keys", json!({"name": "a test"})).await.ok();
        let key = made["content"].as_str().unwrap().to_owned();
        Self { server, ada, key }
    }

    /// The registry's address.
    fn registry(&self) -> String {
        format!("{}/kite", self.server.url)
    }

    /// Host and port.
    fn address(&self) -> &str {
        self.server.url.trim_start_matches("http://")
    }

    /// A connection on which nobody has authenticated.
    async fn stranger(&self) -> Peer {
        dial(&self.registry()).await
    }

    /// A kite with ada's key that stays registered.
    async fn registered(&self, id: &str) -> Kontrol {
        let service = Service::builder(a_kite(id)).build();
        let registry = Dialer::new(&self.registry()).unwrap().by(Transports::WebSocket);
        let key = KiteKey::parse(&self.key).unwrap();
        let credential = Credential::KiteKey { key, file: None };
        let kontrol = Kontrol::connect(&service, registry, credential, RegistryKeys::default(), now());
        kontrol.register("http://127.0.0.1:7000/kite").await.unwrap();
        kontrol
    }
}

async fn dial(url: &str) -> Peer {
    let dialer = Dialer::new(url).unwrap().by(Transports::WebSocket);
    dialer.dial(&Service::client(a_kite("client")), Context::default()).await.unwrap()
}

fn now() -> Now {
    #[expect(clippy::disallowed_methods, reason = "what is tested has the machine's clock")]
    Arc::new(domain::Timestamp::now)
}

fn a_kite(id: &str) -> Kite {
    Kite {
        id: id.into(),
        username: "whoever".into(),
        environment: "dev".into(),
        name: "math".into(),
        version: "1.0.0".into(),
        region: "here".into(),
        hostname: "box".into(),
    }
}
