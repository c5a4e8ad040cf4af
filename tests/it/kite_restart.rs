//! Two thousand registered kites, and a server that is killed under them and comes back.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blackbox::person::Person;
use blackbox::server::{Options, Server};
use futures_util::{StreamExt, stream};
use kite::client::{Dialer, Transports};
use kite::kontrol::{Credential, KiteKey, Kontrol, Now, RegistryKeys};
use kite::{Kite, Service};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::kites::front::Front;

/// How many kites come back.
const KITES: usize = 2000;
/// How many end together with the server and do not come back.
const LOST: usize = 50;
/// Whose they are: one owner has at most a thousand.
const OWNERS: usize = 4;
/// How long the server is away, so that clients are well within their pauses.
const AWAY: Duration = Duration::from_secs(2);
/// All should be back within ten seconds; the machine may be busy with other tests.
const BACK: Duration = Duration::from_secs(45);
/// Registrations of a server before its restart have 25 s to come back.
const CLEARED: Duration = Duration::from_mins(1);

fn now() -> Now {
    #[expect(clippy::disallowed_methods, reason = "what is tested has the machine's clock")]
    Arc::new(domain::Timestamp::now)
}

/// One program, which stays registered by itself.
fn a_kite(number: usize, url: &str, key: &KiteKey, keys: &RegistryKeys) -> Kontrol {
    let service = Service::builder(Kite {
        id: format!("fleet-{number:04}"),
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

/// The ids that are listed, each with whether it is connected.
async fn listed(admin: &Person) -> Vec<(String, bool)> {
    let page = admin.get("/kites").await.ok();
    let of = |kite: &Value| (kite["id"].as_str().unwrap().to_owned(), kite["connected"] == true);
    page["items"].as_array().unwrap().iter().map(of).collect()
}

/// The most of them within any time this long.
fn densest(mut times: Vec<Instant>, window: Duration) -> usize {
    times.sort();
    let within = |(first, from): (usize, &Instant)| times.partition_point(|at| *at < *from + window) - first;
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// Whether so many descriptors may be open at once; says so where they may not.
fn may_open(count: u64) -> bool {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    if most < count {
        eprintln!("skipped: only {most} descriptors are allowed, and {count} are needed");
    }
    most >= count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_kites_come_back_to_a_killed_server_spread_out_and_each_once() {
    if !may_open(3 * KITES as u64 + 1000) {
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
    let mut fleet: Vec<Kontrol> = stream::iter(0..KITES + LOST)
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
    let before = listed(&admin).await;
    assert_eq!(before.len(), KITES + LOST);
    assert!(before.iter().all(|(_, connected)| *connected));

    // What is told of each: when it noticed the loss, and then when it was registered again.
    let lost = fleet.split_off(KITES);
    let returns: Vec<_> = fleet
        .iter()
        .map(|kontrol| {
            let mut registered = kontrol.registered();
            tokio::spawn(async move {
                registered.wait_for(Option::is_none).await.unwrap();
                registered.wait_for(Option::is_some).await.unwrap();
                Instant::now()
            })
        })
        .collect();
    front.lead_nowhere();
    server.kill();
    drop(lost);
    front.came();
    tokio::time::sleep(AWAY).await;
    server.run();
    front.lead_to(&server);
    let ready = Instant::now();

    // While they come, whoever looks sees none twice and nobody unknown.
    let mut returning = stream::iter(returns).buffer_unordered(KITES);
    let mut back = Vec::new();
    while back.len() < KITES {
        let rest = BACK.saturating_sub(ready.elapsed());
        let next = tokio::time::timeout(rest, returning.next()).await;
        back.push(next.unwrap_or_else(|_| panic!("only {} are back", back.len())).unwrap().unwrap() - ready);
        if back.len() % 400 == 0 {
            let seen = listed(&admin).await;
            let ids: HashSet<&String> = seen.iter().map(|(id, _)| id).collect();
            assert_eq!(ids.len(), seen.len(), "a kite is listed twice");
            assert!(seen.len() <= KITES + LOST);
        }
    }
    back.sort();
    let came = front.came();
    let attempts = came.len();
    let busiest = densest(came, Duration::from_millis(100));
    eprintln!(
        "{KITES} kites were back {:?} after the server was ready, half of them after {:?}; \
         {attempts} handshakes, at most {busiest} in 100 ms",
        back[KITES - 1],
        back[KITES / 2],
    );
    assert!(busiest <= KITES / 3, "{busiest} at once are a herd");
    assert!(attempts <= 2 * KITES, "{attempts} handshakes for {KITES} kites");

    // What did not come back is gone, and nothing else.
    let expected: HashSet<String> = (0..KITES).map(|number| format!("fleet-{number:04}")).collect();
    loop {
        let seen = listed(&admin).await;
        let ids: HashSet<String> = seen.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(ids.len(), seen.len(), "a kite is listed twice");
        assert!(ids.is_superset(&expected), "a kite that is back is not listed");
        if ids == expected {
            assert!(seen.iter().all(|(_, connected)| *connected));
            break;
        }
        assert!(ready.elapsed() < CLEARED, "{} stale entries are left", ids.len() - expected.len());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    eprintln!("no stale entry {:?} after the server was ready", ready.elapsed());
}
