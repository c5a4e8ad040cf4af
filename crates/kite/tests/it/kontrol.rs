//! The client's side of the registry, against a small registry that can misbehave.

mod authenticator;
mod double;
mod key_file;
mod network;
mod watch;

use std::time::Duration;

use double::{Double, kite, kite_key};
use kite::kontrol::{Credential, KeyFile, KiteKey, Kontrol, Query};
use kite::token::TokenText;
use kite::{Error, MethodOptions, Service};
use serde_json::json;
use tempfile::TempDir;
use testkit::wait_until;

/// Far more than anything here takes; the clock of the runtime is paused.
const LONG: Duration = Duration::from_mins(1);
const URL: &str = "https://box.example/kite";

fn credential(id: &str) -> Credential {
    Credential::KiteKey { key: KiteKey::parse(kite_key("ada", id).expose()).unwrap(), file: None }
}

/// Without the id of the request.
fn plain<T>(answer: Result<T, Error>) -> Result<T, Error> {
    answer.map_err(|error| Error { id: String::new(), ..error })
}

fn math() -> Service {
    let square = |request: kite::Request| async move {
        let number: f64 = request.arg()?;
        Ok(number * number)
    };
    Service::builder(kite("math", "m1"))
        .method_with("square", MethodOptions::default().open(), square)
        .build()
}

#[tokio::test(start_paused = true)]
async fn a_kite_is_registered_with_its_key_and_called_back_on_the_same_connection() {
    let (double, math) = (Double::new(), math());
    let kontrol = double.client(&math, credential("key_1"));
    double.connect(&math);

    let registered = kontrol.register(URL).await.unwrap();

    assert_eq!(registered.url, URL);
    assert_eq!(
        double.last("register"),
        (format!("kiteKey {}", kite_key("ada", "key_1").expose()), json!({ "url": URL }))
    );
    assert_eq!(double.call_back::<serde_json::Value>("square", 7).await.unwrap(), json!(49.0));
    assert_eq!(kontrol.registered().borrow().as_ref(), Some(&registered));
}

#[tokio::test(start_paused = true)]
async fn it_is_registered_again_after_each_reconnection_with_the_last_url() {
    let (double, math) = (Double::new(), math());
    let kontrol = double.client(&math, credential("key_1"));
    double.connect(&math);
    kontrol.register("https://old.example/kite").await.unwrap();
    kontrol.register(URL).await.unwrap();

    for connections in 1..=3 {
        double.break_off().await;
        kontrol.registered().wait_for(Option::is_none).await.unwrap();
        double.connect(&math);
        kontrol.registered().wait_for(Option::is_some).await.unwrap();

        assert_eq!(double.count("register"), 2 + connections);
        assert_eq!(double.last("register").1, json!({ "url": URL }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_the_place_of_one_that_lives_is_registered_too() {
    let (double, math) = (Double::new(), math());
    let kontrol = double.client(&math, credential("key_1"));
    double.connect(&math);
    kontrol.register(URL).await.unwrap();

    double.connect(&math);

    wait_until(LONG, async || double.count("register") == 2).await;
    kontrol.registered().wait_for(Option::is_some).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_is_reported_at_first_and_tried_on_later() {
    let (double, math) = (Double::new(), math());
    let kontrol = double.client(&math, credential("key_1"));
    double.connect(&math);
    let revoked = Error::authentication("token is expired");
    double.refuse("register", Some(revoked.clone()));

    assert_eq!(plain(kontrol.register(URL).await), Err(revoked.clone()));
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(double.count("register"), 1);

    double.refuse("register", None);
    kontrol.register(URL).await.unwrap();
    double.refuse("register", Some(revoked));
    double.break_off().await;
    double.connect(&math);
    wait_until(LONG, async || double.count("register") >= 5).await;
    double.refuse("register", None);
    kontrol.registered().wait_for(Option::is_some).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_re_issued_key_is_kept_and_presented_from_then_on() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path());
    let (double, math) = (Double::new(), math());
    let key = KiteKey::parse(kite_key("ada", "key_1").expose()).unwrap();
    file.write(&key).unwrap();
    let kontrol = double.client(&math, Credential::KiteKey { key, file: Some(file.clone()) });
    double.connect(&math);
    let fresh = kite_key("ada", "key_2").expose().to_owned();
    double.state.lock().unwrap().reissue = Some(fresh.clone());

    kontrol.register(URL).await.unwrap();

    assert_eq!(file.read().unwrap().expose(), fresh);
    kontrol.get_key().await.unwrap();
    assert_eq!(double.last("getKey").0, format!("kiteKey {fresh}"));
    double.break_off().await;
    double.connect(&math);
    kontrol.get_key().await.unwrap();
    assert_eq!(double.last("getKey").0, format!("kiteKey {fresh}"));
}

#[tokio::test(start_paused = true)]
async fn what_is_re_issued_as_a_key_must_be_one_of_the_same_person() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path());
    let (double, math) = (Double::new(), math());
    let key = KiteKey::parse(kite_key("ada", "key_1").expose()).unwrap();
    file.write(&key).unwrap();
    let kontrol = double.client(&math, Credential::KiteKey { key, file: Some(file.clone()) });
    double.connect(&math);

    for text in ["", "nonsense", kite_key("eve", "key_2").expose()] {
        double.state.lock().unwrap().reissue = Some(text.to_owned());
        kontrol.register(URL).await.unwrap();

        assert_eq!(file.read().unwrap().claims().id, "key_1");
        kontrol.get_key().await.unwrap();
        assert_eq!(double.last("getKey").0, format!("kiteKey {}", kite_key("ada", "key_1").expose()));
    }
}

/// Somebody whose key is `key_1`, while another program has put `other` into the file that they share.
fn sharing(double: &Double, service: &Service, other: &TokenText) -> (Kontrol, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path());
    file.write(&KiteKey::parse(other.expose()).unwrap()).unwrap();
    let key = KiteKey::parse(kite_key("ada", "key_1").expose()).unwrap();
    let kontrol = double.client(service, Credential::KiteKey { key, file: Some(file) });
    double.connect(service);
    (kontrol, home)
}

fn presented(key: &TokenText) -> String {
    format!("kiteKey {}", key.expose())
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_replaced_by_the_one_that_another_program_put_into_the_file() {
    let (double, math) = (Double::new(), math());
    let (old, fresh) = (kite_key("ada", "key_1"), kite_key("ada", "key_2"));
    let (kontrol, _home) = sharing(&double, &math, &fresh);
    kontrol.register(URL).await.unwrap();
    assert_eq!(double.last("register").0, presented(&old));
    double.state.lock().unwrap().void.push(presented(&old));

    // By itself, after a reconnection.
    double.break_off().await;
    double.connect(&math);
    kontrol.registered().wait_for(Option::is_some).await.unwrap();

    assert_eq!(double.last("register").0, presented(&fresh));
    assert_eq!(double.count("register"), 3);
    kontrol.get_key().await.unwrap();
    assert_eq!((double.last("getKey").0, double.count("getKey")), (presented(&fresh), 1));
}

#[tokio::test(start_paused = true)]
async fn many_calls_and_watches_find_the_other_key_in_the_file() {
    let (double, math) = (Double::new(), math());
    let (old, fresh) = (kite_key("ada", "key_1"), kite_key("ada", "key_2"));
    let (kontrol, _home) = sharing(&double, &math, &fresh);
    double.state.lock().unwrap().void.push(presented(&old));

    let query = Query::named("ada", "math");
    let (watch, found, key) =
        tokio::join!(kontrol.watch(query.clone()), kontrol.get_kites(&query), kontrol.get_key());

    assert!(watch.is_ok() && found.is_ok() && key.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_nobody_replaced_stays_refused_and_is_tried_once() {
    let (double, math) = (Double::new(), math());
    let old = kite_key("ada", "key_1");
    for other in [old.clone(), kite_key("eve", "key_2")] {
        let calls = double.count("getKey");
        let (kontrol, _home) = sharing(&double, &math, &other);
        double.state.lock().unwrap().void = vec![presented(&old)];

        assert_eq!(plain(kontrol.get_key().await).err(), Some(Error::authentication("token is expired")));
        assert_eq!(double.count("getKey"), calls + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_token_is_presented_as_a_token_and_a_connection_s_own_authority_as_nothing() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, Credential::ApiToken(TokenText::new("hearth_x")));
    double.connect(&service);
    kontrol.get_key().await.unwrap();
    assert_eq!(double.last("getKey").0, "token hearth_x");

    let double = Double::new();
    let kontrol = double.client(&service, Credential::Connection);
    double.connect(&service);
    kontrol.get_key().await.unwrap();
    assert_eq!(double.last("getKey").0, "");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_connection_and_survives_its_loss() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));
    double.add(&kite("math", "m1"), URL);

    let asked = tokio::spawn({
        let kontrol = kontrol.clone();
        async move { kontrol.get_kites(&Query::named("ada", "math")).await }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    double.connect(&service);
    let found = asked.await.unwrap().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].kite, found[0].url.as_str()), (&kite("math", "m1"), URL));
    assert_eq!(double.last("getKites").1, json!({ "query": { "username": "ada", "name": "math" } }));

    double.break_off().await;
    let asked = tokio::spawn(async move { kontrol.get_kites(&Query::named("ada", "math")).await });
    tokio::time::sleep(Duration::from_secs(5)).await;
    double.connect(&service);
    assert_eq!(asked.await.unwrap().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_a_call_times_out_and_after_the_end_it_fails_at_once() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));

    assert_eq!(kontrol.get_key().await.err(), Some(Error::timeout()));
    double.connect(&service);
    kontrol.get_key().await.unwrap();
    kontrol.close();
    assert_eq!(kontrol.get_key().await.err(), Some(Error::disconnected()));
    assert_eq!(kontrol.register(URL).await.err(), Some(Error::disconnected()));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_renewed_when_it_is_due() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));
    double.connect(&service);
    let math = kite("math", "m1");
    double.add(&math, URL);

    let first = kontrol.get_token(&math).await.unwrap();
    let many = futures_util::future::join_all((0..50).map(|_| kontrol.get_token(&math))).await;
    assert!(many.iter().all(|token| token.as_ref().unwrap().expose() == first.expose()));
    assert_eq!(double.count("getToken"), 1);
    assert_eq!(double.last("getToken").1, serde_json::to_value(Query::exactly(&math)).unwrap());

    double.clock.advance(3600 - 300 - 1);
    kontrol.get_token(&math).await.unwrap();
    assert_eq!(double.count("getToken"), 1);
    double.clock.advance(1);
    let second = kontrol.get_token(&math).await.unwrap();
    assert_eq!(double.count("getToken"), 2);
    assert_ne!(first.expose(), second.expose());
    // Another kite's is another.
    double.add(&kite("math", "m2"), URL);
    kontrol.get_token(&kite("math", "m2")).await.unwrap();
    assert_eq!(double.count("getToken"), 3);
}

#[tokio::test(start_paused = true)]
async fn many_callers_fetch_a_token_once() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));
    double.connect(&service);
    let math = kite("math", "m1");
    double.add(&math, URL);

    let tokens = futures_util::future::join_all((0..200).map(|_| kontrol.get_token(&math))).await;

    assert!(tokens.iter().all(Result::is_ok));
    assert_eq!(double.count("getToken"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_by_a_fresh_one() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));
    double.connect(&service);
    let math = kite("math", "m1");
    double.add(&math, URL);
    let refused = kontrol.get_token(&math).await.unwrap();

    let fresh = kontrol.renew_token(&math, &refused).await.unwrap();
    assert_eq!(double.last("getToken").1["force"], true);
    let same = kontrol.renew_token(&math, &refused).await.unwrap();

    assert_ne!(fresh.expose(), refused.expose());
    assert_eq!(fresh.expose(), same.expose());
    assert_eq!(double.count("getToken"), 2);
    assert_eq!(kontrol.get_token(&math).await.unwrap().expose(), fresh.expose());
}

#[tokio::test(start_paused = true)]
async fn while_the_registry_is_away_a_token_that_is_still_good_does() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));
    double.connect(&service);
    let math = kite("math", "m1");
    double.add(&math, URL);
    let token = kontrol.get_token(&math).await.unwrap();
    double.break_off().await;

    double.clock.advance(3500);
    assert_eq!(kontrol.get_token(&math).await.unwrap().expose(), token.expose());
    double.clock.advance(101);
    assert_eq!(kontrol.get_token(&math).await.err(), Some(Error::timeout()));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_registry_gives_no_more_is_forgotten() {
    let (double, service) = (Double::new(), Service::client(kite("cli", "c1")));
    let kontrol = double.client(&service, credential("key_1"));
    double.connect(&service);
    let math = kite("math", "m1");
    double.add(&math, URL);
    kontrol.get_token(&math).await.unwrap();
    double.remove(&math);
    double.clock.advance(3400);

    assert_eq!(plain(kontrol.get_token(&math).await.map(drop)), Err(Error::generic("no kites found")));
}

#[tokio::test(start_paused = true)]
async fn counts_are_reported_when_they_changed_and_at_most_every_ten_seconds() {
    let (double, math) = (Double::new(), math());
    let kontrol = double.client(&math, credential("key_1"));
    double.connect(&math);
    tokio::time::sleep(LONG).await;
    assert_eq!(double.count("report"), 0);
    kontrol.register(URL).await.unwrap();
    tokio::time::sleep(LONG).await;
    let before = math.counts();
    assert_eq!(double.last("report").1, json!({ "calls": before.calls, "errors": before.errors }));
    let reports = double.count("report");

    for _ in 0..100 {
        double.call_back::<f64>("square", 3).await.unwrap();
    }
    double.call_back::<f64>("square", "three").await.unwrap_err();
    tokio::time::sleep(LONG).await;

    let after = math.counts();
    assert_eq!((after.calls - before.calls, after.errors - before.errors), (101, 1));
    assert_eq!(double.last("report").1, json!({ "calls": after.calls, "errors": after.errors }));
    assert_eq!(double.count("report"), reports + 1);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_knows_no_reports_is_left_alone() {
    let (double, math) = (Double::new(), math());
    let kontrol = double.client(&math, credential("key_1"));
    double.connect(&math);
    double.refuse("report", Some(Error::method_not_found("report")));
    kontrol.register(URL).await.unwrap();

    for _ in 0..5 {
        double.call_back::<f64>("square", 3).await.unwrap();
        tokio::time::sleep(LONG).await;
    }

    assert_eq!(double.count("report"), 1);
}
