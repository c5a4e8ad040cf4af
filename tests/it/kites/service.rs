//! The service and the client that the documentation shows, in kite.js, and our own client beside them.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::sync::Arc;

use blackbox::person::Person;
use blackbox::server::{Options, PATIENCE, Server};
use futures_util::{SinkExt, StreamExt};
use kite::client::Dialer;
use kite::kontrol::{Credential, KiteKey, Kontrol, Now, Query, RegistryKeys, TokenAuthenticator};
use kite::server::{Endpoint, serve};
use kite::{Authentication, Context, Kite, Request, Service};
use serde_json::{Value, json};
use testkit::kite_js::Script;
use testkit::peers::or_skip;
use testkit::wait_until;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::{Home, Place, client, driver, fetch, key_of, kites_of, kites_until, script};

const CALL: [&str; 4] = ["production", "math", "square", "7"];

/// `tests/kite/service.js`, registered.
struct Running {
    script: Script,
    url: String,
    home: Home,
}

impl Running {
    async fn start(key: &str) -> Option<Self> {
        let home = Home::with(key);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let port = port.to_string();
        let environment: [(&str, &OsStr); 3] =
            [("KITE_HOME", home.path().as_ref()), ("PORT", port.as_ref()), ("URL", url.as_ref())];
        let mut script = or_skip(Script::start(&script("service.js"), &[], &environment))?;
        assert_eq!(script.line_after("registered at ").await, url);
        Some(Self { script, url, home })
    }
}

fn a_kite(username: &str) -> Kite {
    Kite {
        id: "a-rust-kite-1".into(),
        username: username.into(),
        environment: "dev".into(),
        name: "rust".into(),
        version: "1.0.0".into(),
        region: "here".into(),
        hostname: "box".into(),
    }
}

/// Our own client of the registry.
fn kontrol_of(service: &Service, key: &str, keys: RegistryKeys) -> Kontrol {
    let key = KiteKey::parse(key).unwrap();
    let registry = Dialer::new(&key.claims().kontrol_url).unwrap();
    Kontrol::connect(service, registry, Credential::KiteKey { key, file: None }, keys, now())
}

fn now() -> Now {
    #[expect(clippy::disallowed_methods, reason = "what is tested has the machine's clock")]
    Arc::new(domain::Timestamp::now)
}

/// Expects that the documented client is refused, and answers what it said.
async fn refused(home: &Home) -> String {
    let mut script = client(home, &CALL, &[]);
    assert!(!script.ended().await.success());
    wait_until(PATIENCE, async || !script.log().is_empty()).await;
    script.log()
}

#[tokio::test]
async fn the_team_finds_and_calls_it_and_nobody_else_does() {
    let place = Place::new().await;
    let (grace, mallory) = (place.person("grace").await, place.person("mallory").await);
    place.team("acme", &["grace"]).await;
    let Some(running) = Running::start(&key_of(&place.ada, Some("acme")).await).await else { return };

    // By kite.js.
    let home = Home::with(&key_of(&grace, None).await);
    assert_eq!(client(&home, &CALL, &[]).line().await, "49");
    assert_eq!(client(&home, &["production", "math", "whoCalls"], &[]).line().await, r#""grace""#);
    // By ours.
    let kontrol = kontrol_of(&Service::client(a_kite("grace")), &home.key(), RegistryKeys::default());
    let found = kontrol.get_kites(&Query::named("ada", "math")).await.unwrap();
    assert_eq!(found.len(), 1);
    let remote = kontrol.connect_kite(&found[0]).await.unwrap();
    assert_eq!(remote.call::<u64>("square", 7).await.unwrap(), 49);
    assert_eq!(remote.call::<String>("whoCalls", ()).await.unwrap(), "grace");
    let missing = remote.call::<()>("nosuch", ()).await.unwrap_err();
    assert!(missing.is(kite::error::kind::METHOD_NOT_FOUND), "{missing:?}");
    let list = kites_of(&grace).await;
    assert_eq!((list.len(), &list[0]["may_call"], &list[0]["url"]), (1, &json!(true), &json!(running.url)));

    let stranger = Home::with(&key_of(&mallory, None).await);
    assert_eq!(refused(&stranger).await, "error: there is no math in production that you may call\n");
    assert_eq!(kites_of(&mallory).await, Vec::<Value>::new());

    // Who leaves the team is not given another token.
    place.ada.delete("/teams/acme/members/grace").await.ok();
    assert_eq!(refused(&home).await, "error: there is no math in production that you may call\n");
}

#[tokio::test]
async fn its_owner_may_be_called_anything() {
    let place = Place::new().await;
    let owner = place.person("zoë/50%").await;
    let key = key_of(&owner, None).await;
    let Some(_running) = Running::start(&key).await else { return };

    assert_eq!(client(&Home::with(&key), &CALL, &[]).line().await, "49");
}

#[tokio::test]
async fn it_lets_nobody_in_without_a_good_token_whatever_kite_js_thinks_of_it() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let key = key_of(&place.ada, None).await;
    let Some(running) = Running::start(&key).await else { return };
    place.kontrol(&mut driver, "other", &key, "").await;
    driver.tell("other", "register", json!([{"url": "http://127.0.0.1:7000/kite"}])).await.unwrap();
    let token_for = async |name: &str| {
        let kites = kites_of(&place.ada).await;
        let id = kites.iter().find(|kite| kite["name"] == name).unwrap()["id"].as_str().unwrap().to_owned();
        let made = place.ada.post(&format!("/kites/{id}/token"), Value::Null).await.ok();
        made["token"].as_str().unwrap().to_owned()
    };
    let (good, for_another) = (token_for("math").await, token_for("other").await);
    let unsigned = {
        let body = good.split('.').nth(1).unwrap();
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.AAAA")
    };
    let altered = {
        let (rest, signature) = good.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        format!("{rest}.{other}{}", &signature[1..])
    };
    let forged = {
        let (head, signature) = (good.split('.').next().unwrap(), good.split('.').nth(2).unwrap());
        format!("{head}.{}.{signature}", for_another.split('.').nth(1).unwrap())
    };

    for (number, (kind, credential)) in [
        ("token", for_another),
        ("token", unsigned),
        ("token", forged),
        ("token", altered),
        ("token", String::new()),
        ("token", "a.b".into()),
        ("token", key.clone()),
        ("kiteKey", key),
        ("bogus", good.clone()),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("caller-{number}");
        let auth = json!({"type": kind, "key": credential});
        driver.ask(json!({"do": "kite", "as": name, "url": running.url, "auth": auth})).await.unwrap();
        let refused = driver.tell(&name, "whoCalls", json!([])).await.unwrap_err();
        assert_eq!(refused.kind, "authenticationError", "{number} {refused:?}");
    }
    driver.ask(json!({"do": "kite", "as": "nobody", "url": running.url})).await.unwrap();
    assert_eq!(driver.tell("nobody", "kite.ping", Value::Null).await, Ok(json!("pong")));
    for method in ["square", "kite.systemInfo", "kite.prompt", "kite.print", "refuse", "constructor"] {
        // Bare nothings are what kite.js does not authenticate.
        for arguments in [json!(["x"]), json!(0), json!("")] {
            let refused = driver.tell("nobody", method, arguments).await.unwrap_err();
            assert_eq!(refused.kind, "authenticationError", "{method} {refused:?}");
        }
    }
    let auth = json!({"type": "token", "key": good});
    driver.ask(json!({"do": "kite", "as": "ada", "url": running.url, "auth": auth})).await.unwrap();
    assert_eq!(driver.tell("ada", "whoCalls", json!([])).await, Ok(json!("ada")));
    assert_eq!(driver.tell("ada", "square", json!(7)).await, Ok(json!(49)));
}

#[tokio::test]
async fn what_makes_no_sense_does_not_end_it() {
    let place = Place::new().await;
    let key = key_of(&place.ada, None).await;
    let Some(running) = Running::start(&key).await else { return };

    for text in [
        "",
        "null",
        "[]",
        "{}",
        "no json",
        r#"{"method":"square"}"#,
        r#"{"method":"square","arguments":[]}"#,
        r#"{"method":"square","arguments":[null]}"#,
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":1}]}"#,
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":"[Function]"}]}"#,
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"0":null}}"#,
        r#"{"method":"kite.ping","arguments":[{"responseCallback":"[Function]"}],"callbacks":{"0":"x"},"links":[1]}"#,
        r#"{"method":"__proto__","arguments":[{"withArgs":[],"responseCallback":"[Function]"}]}"#,
        r#"{"method":0}"#,
        r#"{"method":0,"arguments":[]}"#,
        r#"{"method":{},"arguments":{}}"#,
        r#"{"method":"methods","arguments":[{}]}"#,
        r#"{"method":"cull","arguments":[0]}"#,
    ] {
        let url = running.url.replace("http", "ws");
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        socket.send(Message::text(text)).await.unwrap();
        let ping = r#"{"method":"kite.ping","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"7":["0","responseCallback"]}}"#;
        drop(socket.send(Message::text(ping)).await);
        // It answers, or has closed.
        drop(tokio::time::timeout(PATIENCE, socket.next()).await.expect("something comes of it"));
    }
    // A frame that is none, by somebody who does not mask it.
    let mut raw = tokio::net::TcpStream::connect(running.url.trim_start_matches("http://")).await.unwrap();
    let hello = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\u{7f}\u{7f}\u{7f}";
    tokio::io::AsyncWriteExt::write_all(&mut raw, hello.as_bytes()).await.unwrap();
    drop(raw);

    assert_eq!(client(&Home::with(&key), &CALL, &[]).line().await, "49", "{}", running.script.log());
}

#[tokio::test]
async fn it_stays_registered_while_the_server_comes_and_goes_and_keys_change() {
    let front = Front::open().await;
    let server = Server::start_with(front.options());
    front.lead_to(&server);
    let ada = Person::first(&server, "ada").await;
    let mut place = Place { server, ada };
    let key = key_of(&place.ada, None).await;
    let Some(mut running) = Running::start(&key).await else { return };
    let home = Home::with(&key);

    // Connections are cut.
    front.cut();
    running.script.line_after("registered at ").await;
    assert_eq!(client(&home, &CALL, &[]).line().await, "49");
    // The server goes as in a power cut.
    place.server.kill();
    front.cut();
    place.server.run();
    front.lead_to(&place.server);
    running.script.line_after("registered at ").await;
    assert_eq!(client(&home, &CALL, &[]).line().await, "49");
    assert_eq!(kites_until(&place.ada, 1).await.len(), 1);

    // The registry signs with another key. Tokens of it are good at once; the kite key is replaced at the next
    // registration.
    place.ada.post("/admin/registry-keys", json!({})).await.ok();
    assert_eq!(client(&home, &CALL, &[]).line().await, "49");
    front.cut();
    running.script.line_after("registered at ").await;
    wait_until(PATIENCE, async || running.home.key() != key).await;
    assert_eq!(client(&running.home, &CALL, &[]).line().await, "49", "the new key is good, too");
}

#[tokio::test]
async fn a_client_goes_on_calling_when_tokens_are_short() {
    let place = Place::with(Options::set(&["registry.token_seconds=10"])).await;
    let key = key_of(&place.ada, None).await;
    let Some(running) = Running::start(&key).await else { return };
    let home = Home::with(&key);

    // A dozen seconds and more: the first token is no good any more.
    let mut client = client(&home, &CALL, &[("EVERY", "1".as_ref())]);
    for _ in 0..14 {
        assert_eq!(client.line().await, "49", "{}", running.script.log());
    }
    assert_eq!(client.log().lines().filter(|line| *line != "49").count(), 0, "{}", client.log());
}

#[tokio::test]
async fn a_service_of_ours_is_found_and_called_by_kite_js_whatever_its_owner_is_called() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let owner = place.person("zoë/50%").await;
    let key = key_of(&owner, None).await;
    let parsed = KiteKey::parse(&key).unwrap();
    let kite = a_kite(&parsed.username());
    let keys = RegistryKeys::default();
    let issuer = parsed.claims().issuer.clone();
    let authenticator = TokenAuthenticator::new(issuer, &kite, keys.clone(), now());
    let service = Service::builder(kite)
        .authenticator(Arc::new(authenticator))
        .method("whoCalls", async |request: Request| Ok(request.caller().username.clone()))
        .build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/kite", listener.local_addr().unwrap());
    let endpoint = Endpoint::new(Arc::new(service.clone()));
    tokio::spawn(serve(listener, endpoint, CancellationToken::new()));
    let kontrol = kontrol_of(&service, &key, keys);
    assert_eq!(kontrol.register(&url).await.unwrap().url, url);

    place.kontrol(&mut driver, "cli", &key, "").await;
    let found = fetch(&mut driver, "cli", json!({"name": "rust"}), "found").await;
    assert_eq!(found[0]["username"], "zoë%2F50%25", "{found:?}");
    for transport in super::TRANSPORTS {
        driver.ask(json!({"do": "connect", "kite": "found.0", "transport": transport})).await.unwrap();
        let caller = driver.tell("found.0", "whoCalls", json!([])).await;
        assert_eq!(caller, Ok(json!("zoë%2F50%25")), "{transport}");
        driver.ask(json!({"do": "disconnect", "kite": "found.0"})).await.unwrap();
        driver.event("found.0.close").await;
    }
    // The kite key itself opens nothing but the registry.
    let dialer = Dialer::new(&url).unwrap();
    let peer = dialer.dial(&Service::client(a_kite("x")), Context::default()).await.unwrap();
    peer.set_authentication(Some(Authentication::kite_key(key)));
    let refused = peer.call::<String>("whoCalls", ()).await.unwrap_err();
    assert!(refused.is(kite::error::kind::AUTHENTICATION), "{refused:?}");
}
