//! kite.js's `Kontrol` as the client of our registry.

use blackbox::server::{Options, PATIENCE};
use serde_json::{Value, json};

use super::{Place, TRANSPORTS, driver, fetch, fetch_until, key_of, kites_until, thrown};

#[tokio::test]
async fn it_registers_finds_and_watches_by_every_transport() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let key = key_of(&place.ada, None).await;
    let query = json!({"username": "ada", "environment": "dev"});

    for transport in TRANSPORTS {
        let watcher = format!("watcher-{transport}");
        let service = format!("service-{transport}");
        place.kontrol(&mut driver, &watcher, &key, transport).await;
        let wish = json!({"do": "watchKites", "kontrol": watcher, "query": query, "as": watcher});
        let watch = driver.ask(wish).await.unwrap();
        assert!(watch.is_string(), "{watch}");
        place.kontrol(&mut driver, &service, &key, transport).await;

        let url = "http://127.0.0.1:7000/kite";
        let registered = driver.tell(&service, "register", json!([{"url": url}])).await.unwrap();
        assert_eq!(registered, json!({"url": url, "heartbeatInterval": 0}), "{transport}");
        let came = driver.event(&format!("{watcher}.register")).await;
        for (field, value) in [
            ("username", "ada"),
            ("environment", "dev"),
            ("name", service.as_str()),
            ("version", "1.2.3"),
            ("region", "here"),
            ("hostname", "box"),
            ("url", url),
        ] {
            assert_eq!(came[0][field], value, "{came}");
        }
        assert_eq!(came[0]["token"].as_str().unwrap().split('.').count(), 3, "{came}");
        let found = fetch(&mut driver, &watcher, query.clone(), "found").await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["name"], service.as_str());

        driver.ask(json!({"do": "disconnect", "kite": service})).await.unwrap();
        let went = driver.event(&format!("{watcher}.deregister")).await;
        assert_eq!(went[0]["name"], service.as_str(), "{went}");
        assert_eq!(fetch(&mut driver, &watcher, query.clone(), "found").await, Vec::<Value>::new());

        let cancel = json!({"do": "cancelWatcher", "kontrol": watcher, "watcher": watch});
        assert_eq!(driver.ask(cancel.clone()).await, Ok(json!(true)));
        assert!(driver.ask(cancel).await.is_err(), "it is cancelled already");
        // As kite.js's own `register` sends it.
        driver.ask(json!({"do": "connect", "kite": service, "transport": transport})).await.unwrap();
        let wish = json!({"do": "register", "kontrol": service, "url": url});
        assert_eq!(driver.ask(wish).await.unwrap()["url"], url);
        fetch_until(&mut driver, &watcher, query.clone(), "found", 1).await;
        driver.ask(json!({"do": "disconnect", "kite": service})).await.unwrap();
        fetch_until(&mut driver, &watcher, query.clone(), "found", 0).await;
        assert_eq!(driver.came(&format!("{watcher}.register")), Vec::<Value>::new(), "{transport}");
    }
}

#[tokio::test]
async fn a_watch_begins_with_what_is_there() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let key = key_of(&place.ada, None).await;
    place.kontrol(&mut driver, "math", &key, "").await;
    driver.tell("math", "register", json!([{"url": "http://127.0.0.1:7000/kite"}])).await.unwrap();

    place.kontrol(&mut driver, "watcher", &key, "").await;
    let query = json!({"username": "ada"});
    driver.ask(json!({"do": "watchKites", "kontrol": "watcher", "query": query, "as": "w"})).await.unwrap();

    assert_eq!(driver.event("w.register").await[0]["name"], "math");
}

#[tokio::test]
async fn heartbeats_keep_a_registration_and_their_absence_ends_it() {
    let (Some(mut alive), Some(mut silent)) = (driver(), driver()) else { return };
    let place = Place::new().await;
    let key = key_of(&place.ada, None).await;
    for (driver, name) in [(&mut alive, "alive"), (&mut silent, "silent")] {
        place.kontrol(driver, name, &key, "").await;
        driver.tell(name, "register", json!([{"url": "http://127.0.0.1:7000/kite"}])).await.unwrap();
    }
    kites_until(&place.ada, 2).await;

    // It is stopped and not closed, as a machine that has lost its network.
    let pid = nix::unistd::Pid::from_raw(silent.pid().unwrap().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let left = kites_until(&place.ada, 1).await;

    assert_eq!((&left[0]["name"], &left[0]["connected"]), (&json!("alive"), &json!(true)));
}

#[tokio::test]
async fn a_token_is_renewed_when_kite_js_says_it_expires() {
    let Some(mut driver) = driver() else { return };
    // Half of it is the shortest time after which there is another.
    let place = Place::with(Options::set(&["registry.token_seconds=10"])).await;
    let key = key_of(&place.ada, None).await;
    place.kontrol(&mut driver, "math", &key, "").await;
    driver.tell("math", "register", json!([{"url": "http://127.0.0.1:7000/kite"}])).await.unwrap();

    let found = fetch(&mut driver, "math", json!({"name": "math"}), "found").await;

    // Less than five minutes are left, so kite.js renews at once.
    driver.event("found.0.tokenExpired").await;
    driver.event("found.0.tokenSet").await;
    let begun = std::time::Instant::now();
    while driver.ask(json!({"do": "token", "kite": "found.0"})).await.unwrap() == found[0]["token"] {
        assert!(begun.elapsed() < PATIENCE, "there is no new token");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        driver.ask(json!({"do": "expire", "kite": "found.0"})).await.unwrap();
        driver.event("found.0.tokenSet").await;
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_in_the_words_of_old() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let key = key_of(&place.ada, None).await;
    let key_id = place.ada.get("/kite-keys").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    place.kontrol(&mut driver, "math", &key, "").await;

    let pem = driver.tell("math", "getKey", json!([])).await.unwrap();
    assert!(pem.as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----"), "{pem}");
    for (method, arguments, kind, beginning) in [
        ("getKites", json!([{"query": {}}]), "argumentError", "all query fields are empty"),
        ("getKites", json!([{}]), "argumentError", "query is missing"),
        ("getKites", json!([]), "argumentError", ""),
        ("getToken", json!([{"username": "nobody"}]), "genericError", "no kites found"),
        ("register", json!([{"url": ""}]), "argumentError", "empty url"),
        ("register", json!([]), "argumentError", ""),
        ("verify", json!([]), "methodNotFound", "Method not found: verify"),
        ("kite.tunnel", json!([{"url": "http://127.0.0.1:1"}]), "methodNotFound", ""),
    ] {
        let refused = driver.tell("math", method, arguments).await.unwrap_err();
        assert_eq!(refused.kind, kind, "{method}: {refused:?}");
        assert!(refused.message.starts_with(beginning), "{method}: {refused:?}");
    }
    let empty = fetch(&mut driver, "math", json!({"username": "zed"}), "none").await;
    assert_eq!(empty, Vec::<Value>::new());

    let head = &key[..key.rfind('.').unwrap()];
    for (kind, credential) in [
        ("kiteKey", format!("{head}.AAAA")),
        ("kiteKey", "a.b.c".into()),
        ("token", "hearth_none".into()),
        ("sessionID", "x".into()),
    ] {
        place.kontrol_as(&mut driver, "stranger", kind, &credential, "").await;
        for (method, arguments) in [
            ("getKites", json!([{"query": {"username": "ada"}}])),
            ("getToken", json!([{"username": "ada", "name": "math"}])),
            ("register", json!([{"url": "http://127.0.0.1:7000"}])),
        ] {
            let refused = driver.tell("stranger", method, arguments).await.unwrap_err();
            assert_eq!(refused.kind, "authenticationError", "{kind} {method}: {refused:?}");
        }
        assert_eq!(driver.tell("stranger", "kite.ping", Value::Null).await, Ok(json!("pong")));
    }

    // An ended key is good for nothing on connections that are open, too.
    place.ada.delete(&format!("/kite-keys/{key_id}")).await.ok();
    let refused = driver.tell("math", "getKites", json!([{"query": {"username": "ada"}}])).await.unwrap_err();
    assert_eq!(refused.kind, "authenticationError", "{refused:?}");
}

#[tokio::test]
async fn an_api_token_finds_and_a_one_time_code_gives_a_kite_key() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let token = place.ada.token(&["all"]).await;
    place.kontrol_as(&mut driver, "finder", "token", &token, "").await;
    let made = place.ada.post("/kite-codes", json!({})).await.ok();
    assert_eq!(made["registry"], place.registry());

    let wish = json!([{"authType": "token", "token": made["code"]}]);
    driver.ask(json!({"do": "kite", "as": "machine", "url": place.registry()})).await.unwrap();
    let key = driver.tell("machine", "registerMachine", wish.clone()).await.unwrap();
    let again = driver.tell("machine", "registerMachine", wish).await.unwrap_err();
    assert_eq!(again.kind, "authenticationError", "a code works once: {again:?}");

    place.kontrol(&mut driver, "math", key.as_str().unwrap(), "").await;
    driver.tell("math", "register", json!([{"url": "http://127.0.0.1:7000/kite"}])).await.unwrap();
    let found = fetch(&mut driver, "finder", json!({"name": "math"}), "found").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        driver.tell("finder", "getToken", json!([{"name": "nosuch"}])).await,
        Err(thrown("genericError", "no kites found"))
    );
}

#[tokio::test]
async fn who_sees_a_kite_and_may_not_call_it_does_not_trip_kite_js() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let grace = place.person("grace").await;
    place.kontrol(&mut driver, "math", &key_of(&grace, None).await, "").await;
    driver.tell("math", "register", json!([{"url": "http://127.0.0.1:7000/kite"}])).await.unwrap();

    // An administrator of the platform sees everything.
    place.kontrol(&mut driver, "admin", &key_of(&place.ada, None).await, "").await;
    let found = fetch(&mut driver, "admin", json!({"username": "grace"}), "found").await;

    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["token"], "", "{found:?}");
    let refused = driver.tell("admin", "getToken", json!([{"username": "grace"}])).await;
    assert_eq!(refused, Err(thrown("genericError", "no kites found")));
}
