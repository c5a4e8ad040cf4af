//! Kites whose connection holds for longer than their key.

use std::sync::Arc;
use std::time::Duration;

use domain::SignedDuration;
use kite::kontrol::{Credential, KiteKey, Kontrol, RegistryKeys};
use kite::transport::pair;
use kite::{Authentication, Context, Peer, Service};
use registry::KeyOrder;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::hall::{Hall, a_kite, now, origin, soon};

/// A key lasts for 30 days.
const PAST_HALF: SignedDuration = SignedDuration::from_hours(16 * 24);

/// A program that stays connected: each connection that ends is followed by the next.
fn stays_connected(hall: &Hall, service: &Service) -> watch::Receiver<Option<Peer>> {
    let (shown, peers) = watch::channel(None);
    let (registry, service) = (hall.registry.clone(), service.clone());
    tokio::spawn(async move {
        while !shown.is_closed() {
            let (near, far) = pair(64);
            let registry = registry.clone();
            tokio::spawn(async move { registry.serve(far, Context::with(origin(None))).await });
            let (peer, connection) = service.serve(near, Context::default());
            tokio::spawn(connection);
            shown.send_replace(Some(peer.clone()));
            peer.closed().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    peers
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_stays_connected_is_given_the_next_key_before_its_own_ends() {
    let hall = Hall::new().await;
    let service = Service::client(a_kite("math"));
    let key = KiteKey::parse(hall.kite_key("alice-key").expose()).unwrap();
    let clock = hall.clock.clone();
    let kontrol = Kontrol::over(
        &service,
        stays_connected(&hall, &service),
        Credential::KiteKey { key, file: None },
        RegistryKeys::default(),
        Arc::new(move || now(&clock)),
    );
    kontrol.register("http://127.0.0.1:1/").await.unwrap();
    let first = hall.registry.get("math").unwrap().generation;

    // Past half of the first key's life, then past its end.
    for number in 1..=2 {
        hall.clock.advance(PAST_HALF);
        // The second time only after an hour: nobody is sent away more often.
        let renewed = async {
            while hall.world.facts().issued.len() < number {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(62), renewed).await.unwrap();
        hall.pass(90).await;
        assert_eq!(hall.ids(), ["math"]);
    }

    let entry = hall.registry.get("math").unwrap();
    assert!(entry.connected && entry.generation != first);
    assert!(kontrol.registered().borrow().is_some());
    assert_eq!(hall.world.facts().issued, [KeyOrder::Renewal, KeyOrder::Renewal], "and not more often");
    // What it asks is answered, too: it has the new key.
    let found = kontrol.get_kites(&kite::kontrol::Query { id: "math".into(), ..Default::default() }).await;
    assert_eq!(found.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kite_that_cannot_be_given_a_key_is_sent_away_once_an_hour() {
    let hall = Hall::new().await;
    hall.world.facts().issues_none = true;
    let key = hall.kite_key("alice-key");
    let connect = || hall.client(a_kite("a"), Some(Authentication::kite_key(key.expose())), origin(None));
    let first = connect();
    first.register().await;
    hall.clock.advance(PAST_HALF);
    tokio::time::timeout(Duration::from_secs(61), first.peer.closed()).await.unwrap();

    let second = connect();
    let answer = second.register().await;

    assert_eq!(answer.get("kiteKey"), None);
    hall.pass(50 * 60).await;
    assert!(!second.peer.is_closed());
    tokio::time::timeout(Duration::from_mins(12), second.peer.closed()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn over_http_the_next_heartbeat_is_told_to_register_again() {
    let hall = Hall::new().await;
    let key = hall.kite_key("alice-key").expose().to_owned();
    let body = json!({
        "url": "http://127.0.0.1:1/", "kite": a_kite("a"), "auth": {"type": "kiteKey", "key": key},
    });
    hall.registry.register_http(body.to_string().as_bytes(), None).await;
    let beat = || hall.registry.beat_http(Some("a"), Some(key.clone().into()), None);
    assert_eq!(beat().await.body, "pong");

    hall.clock.advance(PAST_HALF);
    let mut beats = Vec::new();
    for _ in 0..7 {
        hall.pass(10).await;
        beats.push(beat().await.body);
    }
    let answer = hall.registry.register_http(body.to_string().as_bytes(), None).await;

    assert_eq!(beats.last().map(String::as_str), Some("registeragain"));
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(answer["kiteKey"].is_string(), "{answer}");
    hall.pass(20).await;
    assert_eq!(beat().await.body, "pong");
}

#[tokio::test(start_paused = true)]
async fn of_many_with_one_key_not_all_are_sent_away_at_once() {
    let hall = Hall::new().await;
    let mut kites = Vec::new();
    for number in 0..120 {
        let kite = hall.connect_as("alice-key", a_kite(&number.to_string()));
        kite.register().await;
        kites.push(kite);
    }
    hall.clock.advance(PAST_HALF);

    hall.pass(61).await;
    let first = hall.ids().len();
    hall.pass(60).await;
    let second = hall.ids().len();

    assert_eq!((first, second), (20, 0));
    soon(kites[0].peer.closed()).await;
}
