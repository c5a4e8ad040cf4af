//! Two thousand services of four people, each a client of the `kite` crate.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use blackbox::person::Person;
use blackbox::server::{Options, Server};
use futures_util::{StreamExt, stream};
use kite::client::{Dialer, Transports};
use kite::kontrol::{Credential, KiteKey, Kontrol, Now, RegistryKeys};
use kite::{Kite, Service};
use serde_json::json;

use super::{LOST, OWNERS, STAYING, may_open, watch_them_return};
use crate::kites::front::Front;

fn now() -> Now {
    #[expect(clippy::disallowed_methods, reason = "what is tested has the machine's clock")]
    Arc::new(domain::Timestamp::now)
}

fn id(number: usize) -> String {
    format!("fleet-{number:04}")
}

/// One program, which stays registered by itself.
fn a_kite(number: usize, url: &str, key: &KiteKey, keys: &RegistryKeys) -> Kontrol {
    let service = Service::builder(Kite {
        id: id(number),
        username: key.username(),
        environment: "fleet".into(),
        name: "ship".into(),
        version: "1.0.0".into(),
        region: "here".into(),
        hostname: format!("box-{number}"),
    })
    .build();
    let registry = Dialer::new(url).unwrap().by(Transports::WebSocket);
    let credential = Credential::KiteKey { key: key.clone(), file: None };
    Kontrol::connect(&service, registry, credential, keys.clone(), now())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_kites_come_back_to_a_killed_server_spread_out_and_each_once() {
    if !may_open(3 * STAYING + 1000) {
        return;
    }
    let front = Front::open().await;
    let mut server = Server::start_with(Options { serve: true, ..front.options() });
    front.lead_to(&server);
    let admin = Person::first(&server, "ada").await;
    let mut kite_keys = Vec::new();
    for number in 0..OWNERS {
        let owner = Person::made_by(&admin, &server, &format!("owner{number}")).await;
        let made = owner.post("/kite-keys", json!({"name": "fleet"})).await.ok();
        kite_keys.push(KiteKey::parse(made["content"].as_str().unwrap()).unwrap());
    }
    let (url, keys) = (format!("{}/kite", front.url), RegistryKeys::default());
    let begun = Instant::now();
    let mut fleet: Vec<Kontrol> = stream::iter(0..STAYING + LOST)
        .map(|number| {
            let kontrol = a_kite(number, &url, &kite_keys[number % OWNERS], &keys);
            async move {
                kontrol.register("http://127.0.0.1:7000/kite").await.unwrap();
                kontrol
            }
        })
        .buffered(64)
        .collect()
        .await;
    eprintln!("{} kites registered in {:?}", fleet.len(), begun.elapsed());

    let lost = fleet.split_off(STAYING);
    let staying: HashSet<String> = (0..STAYING).map(id).collect();
    watch_them_return(&front, &mut server, &admin, &staying, || drop(lost)).await;
}
