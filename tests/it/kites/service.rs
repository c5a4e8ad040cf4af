//! The service and the client that the documentation shows, in kite.js, and our own client beside them.

use std::ffi::OsStr;
use std::net::TcpListener as StdListener;
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
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
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
        let port = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
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
    a_kite_on(username, "box")
}

fn a_kite_on(username: &str, hostname: &str) -> Kite {
    Kite {
        id: format!("a-rust-kite-on-{hostname}"),
        username: username.into(),
        environment: "dev".into(),
        name: "rust".into(),
        version: "1.0.0".into(),
        region: "here".into(),
        hostname: hostname.into(),
    }
}

/// A service of ours that says who calls; registered, and with the address that it registered.
async fn a_service_of_ours(kite: Kite, key: &str) -> (Kontrol, String) {
    let keys = RegistryKeys::default();
    let issuer = KiteKey::parse(key).unwrap().claims().issuer.clone();
    let authenticator = TokenAuthenticator::new(issuer, &kite, keys.clone(), now());
    let service = Service::builder(kite)
        .authenticator(Arc::new(authenticator))
        .method("whoCalls", async |request: Request| Ok(request.caller().username.clone()))
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/kite", listener.local_addr().unwrap());
    let endpoint = Endpoint::new(Arc::new(service.clone()));
    tokio::spawn(serve(listener, endpoint, CancellationToken::new()));
    let kontrol = kontrol_of(&service, key, keys);
    assert_eq!(kontrol.register(&url).await.unwrap().url, url);
    (kontrol, url)
}

/// A token that lets somebody call the kite of this name.
async fn token_of(person: &Person, name: &str) -> String {
    let kites = kites_of(person).await;
    let id = kites.iter().find(|kite| kite["name"] == name).unwrap()["id"].as_str().unwrap().to_owned();
    let made = person.post(&format!("/kites/{id}/token"), Value::Null).await.ok();
    made["token"].as_str().unwrap().to_owned()
}

/// A connection without any library.
async fn dial(running: &Running) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let (socket, _) = tokio_tungstenite::connect_async(running.url.replace("http", "ws")).await.unwrap();
    socket
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
    let (good, for_another) = (token_of(&place.ada, "math").await, token_of(&place.ada, "other").await);
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

    let invalid = "token is not valid";
    // As after the registry has changed its key: whoever hears it fetches another one.
    let expired = "token is expired";
    for (number, (kind, credential, told)) in [
        ("token", for_another, invalid),
        ("token", unsigned, invalid),
        ("token", forged, expired),
        ("token", altered, expired),
        ("token", String::new(), invalid),
        ("token", "a.b".into(), invalid),
        ("token", key.clone(), invalid),
        ("kiteKey", key, invalid),
        ("bogus", good.clone(), invalid),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("caller-{number}");
        let auth = json!({"type": kind, "key": credential});
        driver.ask(json!({"do": "kite", "as": name, "url": running.url, "auth": auth})).await.unwrap();
        let refused = driver.tell(&name, "whoCalls", json!([])).await.unwrap_err();
        assert_eq!(refused, super::thrown("authenticationError", told), "{number}");
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
    let token = token_of(&place.ada, "math").await;
    // Whoever may call may not end it either.
    let with_token = |text: &str| {
        let auth = format!(r#"[{{"authentication":{{"type":"token","key":"{token}"}},"#);
        text.replace("[{", &auth).replace(",}", "}")
    };

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
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{}}"#,
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"0":null}}"#,
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"0x":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"0":["0","responseCallback"],"1":["0","responseCallback"]}}"#,
        r#"{"method":"square","arguments":[{"withArgs":[3],"responseCallback":"[Function]"}],"callbacks":{"0":["0","responseCallback"],"1":["0","withArgs","4000000000"]}}"#,
        r#"{"method":"square","arguments":[{"withArgs":[3],"responseCallback":"[Function]"}],"callbacks":{"0":["0","responseCallback"],"1":["0","withArgs","length"]}}"#,
        r#"{"method":"kite.ping","arguments":[{"responseCallback":"[Function]"}],"callbacks":{"0":"x"},"links":[1]}"#,
        r#"{"method":"__proto__","arguments":[{"withArgs":[],"responseCallback":"[Function]"}]}"#,
        r#"{"method":0}"#,
        r#"{"method":0,"arguments":[]}"#,
        r#"{"method":0,"arguments":[{}],"callbacks":{"0":["0","__proto__","x"],"1":null}}"#,
        r#"{"method":{},"arguments":{}}"#,
        r#"{"method":"methods","arguments":[{}]}"#,
        r#"{"method":"cull","arguments":[0]}"#,
    ] {
        for text in [text.to_owned(), with_token(text)] {
            let mut socket = dial(&running).await;
            socket.send(Message::text(text)).await.unwrap();
            let ping = r#"{"method":"kite.ping","arguments":[{"withArgs":[],"responseCallback":"[Function]"}],"callbacks":{"7":["0","responseCallback"]}}"#;
            drop(socket.send(Message::text(ping)).await);
            // It answers, or has closed.
            drop(tokio::time::timeout(PATIENCE, socket.next()).await.expect("something comes of it"));
        }
    }
    // More arguments than a function of JavaScript takes are refused.
    let mut socket = dial(&running).await;
    let many = format!("[{}1]", "1,".repeat(300_000));
    let call = r#"{"method":"square","arguments":[{"withArgs":MANY,"responseCallback":"[Function]"}],"callbacks":{"0":["0","responseCallback"]}}"#;
    socket.send(Message::text(with_token(call).replace("MANY", &many))).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(answer.to_text().unwrap().contains("argumentError"), "{answer}");
    // Somebody asks, and does not wait for the answer.
    let call = r#"{"method":"square","arguments":[{"withArgs":[3],"responseCallback":"[Function]"}],"callbacks":{"0":["0","responseCallback"]}}"#;
    for _ in 0..20 {
        let mut socket = dial(&running).await;
        for _ in 0..20 {
            socket.feed(Message::text(with_token(call))).await.unwrap();
        }
        socket.feed(Message::Close(None)).await.unwrap();
        socket.flush().await.ok();
    }
    // A frame that is none, by somebody who does not mask it.
    let mut raw = TcpStream::connect(running.url.trim_start_matches("http://")).await.unwrap();
    let hello = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\u{7f}\u{7f}\u{7f}";
    tokio::io::AsyncWriteExt::write_all(&mut raw, hello.as_bytes()).await.unwrap();
    drop(raw);

    assert_eq!(client(&Home::with(&key), &CALL, &[]).line().await, "49", "{}", running.script.log());
    // Nor does it fill the log.
    assert!(!running.script.log().contains("nhandled"), "{}", running.script.log());
}

#[tokio::test]
async fn nobody_puts_a_function_where_the_verified_name_is() {
    let place = Place::new().await;
    let Some(running) = Running::start(&key_of(&place.ada, None).await).await else { return };
    let token = token_of(&place.ada, "math").await;

    for (kite, path) in [
        (json!("[Function]"), json!(["0", "kite"])),
        (json!({"username": "[Function]"}), json!([0, "kite", "username"])),
    ] {
        let call = json!({
            "method": "whoCalls",
            "arguments": [{
                "kite": kite, "authentication": {"type": "token", "key": token}, "withArgs": [],
                "responseCallback": "[Function]",
            }],
            "callbacks": {"0": ["0", "responseCallback"], "1": path},
        });
        let mut socket = dial(&running).await;
        socket.send(Message::text(call.to_string())).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();

        assert_eq!(answer["arguments"][0]["result"], "ada", "{answer}");
    }
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
async fn it_registers_again_once_another_key_is_in_its_file() {
    let place = Place::new().await;
    let Some(mut running) = Running::start(&key_of(&place.ada, None).await).await else { return };
    let id = place.ada.get("/kite-keys").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    place.ada.delete(&format!("/kite-keys/{id}")).await.ok();
    wait_until(PATIENCE, async || running.script.log().contains("cannot register: ")).await;

    let key = key_of(&place.ada, None).await;
    std::fs::write(running.home.path().join("kite.key"), &key).unwrap();

    running.script.line_after("registered at ").await;
    assert_eq!(client(&running.home, &CALL, &[]).line().await, "49");
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
    let kite = a_kite(&KiteKey::parse(&key).unwrap().username());
    let (_kontrol, url) = a_service_of_ours(kite, &key).await;

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

#[tokio::test]
async fn a_client_calls_none_of_several_before_it_is_told_which() {
    let place = Place::new().await;
    let grace = place.person("grace").await;
    let key = key_of(&place.ada, None).await;
    let _box = a_service_of_ours(a_kite_on("ada", "box"), &key).await;
    let _shed = a_service_of_ours(a_kite_on("ada", "shed"), &key).await;
    let theirs = Kite { id: "somebody-elses".into(), ..a_kite_on("grace", "shed") };
    let _theirs = a_service_of_ours(theirs, &key_of(&grace, None).await).await;
    grace.put("/kites/somebody-elses/shares/ada", Value::Null).await.ok();
    let home = Home::with(&key);
    let call = ["dev", "rust", "whoCalls"];
    let on_shed: (&str, &OsStr) = ("KITE_HOST", "shed".as_ref());

    for (told, places) in
        [(vec![], "box of ada, shed of ada, shed of grace"), (vec![on_shed], "shed of ada, shed of grace")]
    {
        let mut environment = told;
        environment.push(("KITE_HOME", home.path().as_ref()));
        let started = Script::start(&script("client.js"), &call, &environment);
        let Some(mut script) = or_skip(started) else { return };
        assert!(!script.ended().await.success());
        wait_until(PATIENCE, async || !script.log().is_empty()).await;
        let log = script.log();
        assert!(log.starts_with(&format!("error: there are several: {places}; ")), "{log}");
    }
    let told = [on_shed, ("KITE_USER", "grace".as_ref())];
    assert_eq!(client(&home, &call, &told).line().await, r#""ada""#);
}

#[tokio::test]
async fn the_programs_say_what_they_need() {
    let nobody = tempfile::tempdir().unwrap();
    let home: (&str, &OsStr) = ("KITE_HOME", nobody.path().as_ref());
    for (program, arguments, said) in [
        ("client.js", &[][..], "usage: "),
        ("client.js", &["production", "math", "square", "{"], "the argument { is no JSON"),
        ("client.js", &["production", "math", "square", "7"], "cannot read a kite key from "),
        ("service.js", &[], "cannot read a kite key from "),
        ("machine.js", &["http://127.0.0.1:1/kite"], "usage: "),
    ] {
        let Some(mut script) = or_skip(Script::start(&script(program), arguments, &[home])) else { return };
        assert_eq!(script.ended().await.code(), Some(2), "{program} {arguments:?}");
        wait_until(PATIENCE, async || !script.log().is_empty()).await;
        assert!(script.log().starts_with(said), "{program} {arguments:?}: {}", script.log());
    }
}

#[tokio::test]
async fn a_machine_exchanges_a_code_for_a_key_once() {
    let place = Place::new().await;
    let made = place.ada.post("/kite-codes", json!({})).await.ok();
    let nobody = tempfile::tempdir().unwrap();
    let folder = nobody.path().join("kite");
    let registry = place.registry();
    let arguments = [registry.as_str(), made["code"].as_str().unwrap()];
    let start = || Script::start(&script("machine.js"), &arguments, &[("KITE_HOME", folder.as_ref())]);

    let Some(mut machine) = or_skip(start()) else { return };
    assert_eq!(machine.line_after("kept in ").await, folder.join("kite.key").display().to_string());
    let key = std::fs::read_to_string(folder.join("kite.key")).unwrap();
    assert_eq!(KiteKey::parse(&key).unwrap().username(), "ada");

    // What is there stays, and a code works once.
    for (said, remains) in [("is there already", true), ("the credential is wrong", false)] {
        let mut machine = start().unwrap();
        assert!(!machine.ended().await.success());
        wait_until(PATIENCE, async || !machine.log().is_empty()).await;
        assert!(machine.log().contains(said), "{}", machine.log());
        assert_eq!(folder.join("kite.key").exists(), remains);
        std::fs::remove_file(folder.join("kite.key")).ok();
    }
}
