//! Following which kites there are.

use std::time::Duration;

use kite::kontrol::{Change, Query, Watch};
use kite::{Error, Service};
use serde_json::json;
use testkit::wait_until;

use super::double::{Double, kite};
use super::{LONG, URL, credential, plain};

/// Everything that is told until nothing more comes, as `+id url` and `-id`.
async fn told(watch: &mut Watch) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(Some(change)) = tokio::time::timeout(Duration::from_secs(5), watch.next()).await {
        told.push(match change {
            Change::Register(found) => format!("+{} {}", found.kite.id, found.url),
            Change::Deregister(kite) => format!("-{}", kite.id),
        });
    }
    told
}

async fn watching(double: &Double) -> (kite::kontrol::Kontrol, Service, Watch) {
    let service = Service::client(kite("cli", "c1"));
    let kontrol = double.client(&service, credential("key_1"));
    double.connect(&service);
    let watch = kontrol.watch(Query::named("ada", "math")).await.unwrap();
    (kontrol, service, watch)
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_told_and_then_what_changes() {
    let double = Double::new();
    double.add(&kite("math", "m1"), "u1");
    let (_kontrol, _service, mut watch) = watching(&double).await;
    assert_eq!(told(&mut watch).await, ["+m1 u1"]);

    double.tell_register(&kite("math", "m2"), "u2").await;
    double.tell_register(&kite("math", "m2"), "u2").await;
    double.tell_register(&kite("math", "m2"), "u3").await;
    double.tell_deregister(&kite("math", "m1")).await;
    double.tell_deregister(&kite("math", "m1")).await;
    double.tell_deregister(&kite("math", "never seen")).await;
    // As kite.js is told, and with nothing where there is nothing.
    let event = json!({ "action": "DEREGISTER", "kite": kite("math", "m2"), "url": null, "token": null });
    double.tell(&json!({ "err": null, "result": event })).await;

    assert_eq!(told(&mut watch).await, ["+m2 u2", "+m2 u3", "-m1", "-m2"]);
    assert_eq!(double.count("getKites"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_the_registry_was_away_is_told_afterwards() {
    let double = Double::new();
    double.add(&kite("math", "stays"), "u1");
    double.add(&kite("math", "goes"), "u2");
    double.add(&kite("math", "moves"), "u3");
    let (_kontrol, service, mut watch) = watching(&double).await;
    let mut first = told(&mut watch).await;
    first.sort();
    assert_eq!(first, ["+goes u2", "+moves u3", "+stays u1"]);

    for _ in 0..2 {
        double.break_off().await;
        assert_eq!(told(&mut watch).await, [""; 0]);
        double.connect(&service);
        assert_eq!(told(&mut watch).await, [""; 0]);
    }
    double.break_off().await;
    double.remove(&kite("math", "goes"));
    double.add(&kite("math", "moves"), "u4");
    double.add(&kite("math", "comes"), "u5");
    double.connect(&service);

    let mut then = told(&mut watch).await;
    then.sort();
    assert_eq!(then, ["+comes u5", "+moves u4", "-goes"]);
    double.tell_deregister(&kite("math", "comes")).await;
    assert_eq!(told(&mut watch).await, ["-comes"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_loses_nothing_and_holds_up_nobody() {
    let double = Double::new();
    let (kontrol, _service, mut watch) = watching(&double).await;

    for number in 0..2000 {
        double.tell_register(&kite("math", &format!("m{number}")), URL).await;
    }
    for number in 0..1000 {
        double.tell_deregister(&kite("math", &format!("m{number}"))).await;
    }
    // The connection is read on, although nobody takes the changes.
    kontrol.get_key().await.unwrap();

    let mut there = std::collections::BTreeSet::new();
    for change in told(&mut watch).await {
        match change.split_once(' ') {
            Some((added, _)) => assert!(there.insert(added[1..].to_owned())),
            None => assert!(there.remove(&change[1..])),
        }
    }
    assert_eq!(there, (1000..2000).map(|number| format!("m{number}")).collect());
}

#[tokio::test(start_paused = true)]
async fn news_that_make_no_sense_make_it_ask_again() {
    let double = Double::new();
    let (_kontrol, _service, mut watch) = watching(&double).await;
    assert_eq!(told(&mut watch).await, [""; 0]);
    double.add(&kite("math", "m1"), URL);

    double.tell(&json!({ "error": "this watch has ended" })).await;

    assert_eq!(told(&mut watch).await, [format!("+m1 {URL}")]);
    assert_eq!(double.count("getKites"), 2);
    assert_eq!(double.state.lock().unwrap().watchers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_query_is_told_to_whoever_asked() {
    let double = Double::new();
    let service = Service::client(kite("cli", "c1"));
    let kontrol = double.client(&service, credential("key_1"));
    assert_eq!(kontrol.watch(Query::default()).await.err(), Some(Error::timeout()));
    double.connect(&service);
    double.refuse("getKites", Some(Error::argument("all query fields are empty")));

    let refused = plain(kontrol.watch(Query::default()).await.map(drop));

    assert_eq!(refused, Err(Error::argument("all query fields are empty")));
    tokio::time::sleep(LONG).await;
    assert_eq!(double.count("getKites"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_ends_at_the_registry() {
    let double = Double::new();
    let (_kontrol, _service, watch) = watching(&double).await;
    assert_eq!(double.state.lock().unwrap().watchers.len(), 1);

    drop(watch);

    wait_until(LONG, async || double.state.lock().unwrap().watchers.is_empty()).await;
    assert_eq!(double.count("cancelWatcher"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_the_client() {
    let double = Double::new();
    let (kontrol, _service, mut watch) = watching(&double).await;

    kontrol.close();

    assert!(watch.next().await.is_none());
}
