//! The whole way over real sockets: register, find, get a token, dial, call.

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use kite::client::Dialer;
use kite::error::kind;
use kite::kontrol::{KeyFile, KiteKey, Kontrol, Query, RegistryKeys, TokenAuthenticator};
use kite::server::{Endpoint, serve};
use kite::token::SigningKey;
use kite::{Error, Limits, Request, Service};
use testkit::wait_until;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::double::{Double, kite, kite_key_at};
use super::{LONG, credential};
use crate::token::ISSUER;

/// Serves on a port of its own, until the guard is dropped.
async fn served(service: &Service) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/kite", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let endpoint = Endpoint::new(Arc::new(service.clone()));
    tokio::spawn(serve(listener, endpoint.clone(), stop.clone()));
    Served { url, endpoint, _guard: stop.drop_guard() }
}

struct Served {
    url: String,
    endpoint: Endpoint,
    _guard: DropGuard,
}

fn whoami(double: &Double, keys: RegistryKeys) -> Service {
    let kite = kite("who", "w1");
    let authenticator = TokenAuthenticator::new(ISSUER, &kite, keys, double.now());
    let answer = async |request: Request| Ok(request.caller().username.clone());
    Service::builder(kite)
        .authenticator(Arc::new(authenticator))
        .method("whoami", answer)
        // Passes on what a third kite said to its own call.
        .method("relay", async |_: Request| Err::<(), _>(Error::authentication("token is expired")))
        .build()
}

struct Found {
    double: Double,
    registry: Served,
    service: Served,
    caller: Kontrol,
    registered: Kontrol,
}

/// A registry, a kite that is registered there, and somebody who may call it.
async fn found() -> Found {
    let double = Double::new();
    let registry = served(&double.service).await;
    let keys = RegistryKeys::default();
    let who = whoami(&double, keys.clone());
    let service = served(&who).await;
    let dialer = Dialer::new(&registry.url).unwrap();
    let registered = Kontrol::connect(&who, dialer.clone(), credential("key_1"), keys, double.now());
    registered.register(&service.url).await.unwrap();
    double.add(&kite("who", "w1"), &service.url);
    let us = Service::client(kite("cli", "c1"));
    let caller = Kontrol::connect(&us, dialer, credential("key_2"), RegistryKeys::default(), double.now());
    Found { double, registry, service, caller, registered }
}

#[tokio::test]
async fn a_found_kite_is_dialled_and_called_with_its_token() {
    let found = found().await;
    let kites = found.caller.get_kites(&Query::named("ada", "who")).await.unwrap();
    assert_eq!(kites[0].url, found.service.url);

    let remote = found.caller.connect_kite(&kites[0]).await.unwrap();

    assert_eq!(remote.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));
    assert_eq!(found.double.count("getToken"), 1);
}

#[tokio::test]
async fn a_call_refused_for_its_token_is_made_again_with_a_fresh_one() {
    let found = found().await;
    let kites = found.caller.get_kites(&Query::named("ada", "who")).await.unwrap();
    // Signed by a key that the kite never hears of: as after a rotation that it knows and the caller does not.
    let unknown = Arc::new(SigningKey::generate().unwrap());
    found.double.state.lock().unwrap().signing = Some(unknown);
    let remote = found.caller.connect_kite(&kites[0]).await.unwrap();
    found.double.state.lock().unwrap().signing = None;

    assert_eq!(remote.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));
    assert_eq!(found.double.count("getToken"), 2);
    assert_eq!(found.double.last("getToken").1["force"], true);
}

#[tokio::test]
async fn a_call_that_was_carried_out_is_not_made_again_because_of_a_third_kite_s_refusal() {
    let found = found().await;
    let kites = found.caller.get_kites(&Query::named("ada", "who")).await.unwrap();
    let remote = found.caller.connect_kite(&kites[0]).await.unwrap();

    let error = remote.call::<()>("relay", ()).await.unwrap_err();

    assert!(error.is(kind::GENERIC) && error.message.contains("another kite"), "{error}");
    assert_eq!(found.double.count("getToken"), 1);
}

#[tokio::test]
async fn a_long_list_is_taken_whatever_strangers_may_send() {
    let double = Double::new();
    let registry = served(&double.service).await;
    let long = format!("https://{}.example/kite", "x".repeat(1500));
    for number in 0..900 {
        double.add(&kite("math", &format!("m{number}")), &long);
    }
    let us = Service::builder(kite("cli", "c1")).limits(Limits::strangers()).build();
    let dialer = Dialer::new(&registry.url).unwrap();
    let kontrol = Kontrol::connect(&us, dialer, credential("key_1"), RegistryKeys::default(), double.now());

    assert_eq!(kontrol.get_kites(&Query::named("ada", "math")).await.map(|kites| kites.len()), Ok(900));
    assert_eq!(double.count("getKites"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_registry_that_is_not_there_says_why_it_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/kite", listener.local_addr().unwrap());
    drop(listener);
    let us = Service::client(kite("cli", "c1"));
    let dialer = Dialer::new(&url).unwrap();
    let now = Double::new().now();
    let kontrol = Kontrol::connect(&us, dialer, credential("key_1"), RegistryKeys::default(), now);

    let query = Query::named("ada", "math");
    let (listed, watched) = tokio::join!(kontrol.get_kites(&query), kontrol.watch(query.clone()));

    for error in [listed.err().unwrap(), watched.err().unwrap()] {
        assert!(error.is(kind::TIMEOUT), "{error:?}");
        assert!(
            error.message.starts_with(&format!("no connection to `{url}`: cannot connect to `")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_kite_that_nobody_may_call_is_not_dialled() {
    let found = found().await;
    let kites = found.caller.get_kites(&Query::named("ada", "who")).await.unwrap();
    found.double.remove(&kite("who", "w1"));

    let refused = found.caller.connect_kite(&kites[0]).await.err().unwrap();

    assert_eq!(refused.message, "no kites found");
}

#[tokio::test]
async fn the_token_of_a_connection_is_renewed_before_it_ends() {
    let found = found().await;
    let kites = found.caller.get_kites(&Query::named("ada", "who")).await.unwrap();
    let remote = found.caller.connect_kite(&kites[0]).await.unwrap();
    assert_eq!(remote.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));

    found.double.clock.advance(3400);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    wait_until(LONG, async || found.double.count("getToken") == 2).await;

    // The first token has ended; nothing is fetched for the call.
    found.double.clock.advance(300);
    wait_until(LONG, async || remote.client().call::<String>("whoami", ()).await.is_ok()).await;
    assert_eq!(found.double.count("getToken"), 2);
}

#[tokio::test]
async fn connections_end_with_what_they_were_made_for() {
    let Found { double: _double, registry, service, caller, registered } = found().await;
    let kites = caller.get_kites(&Query::named("ada", "who")).await.unwrap();
    let remote = caller.connect_kite(&kites[0]).await.unwrap();
    assert_eq!(remote.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));
    assert_eq!((service.endpoint.connections(), registry.endpoint.connections()), (1, 2));

    drop(caller);
    // It still renews its token.
    assert_eq!(remote.call::<String>("whoami", ()).await.as_deref(), Ok("bob"));
    assert_eq!(registry.endpoint.connections(), 2);
    drop(remote);
    wait_until(LONG, async || service.endpoint.connections() == 0).await;
    wait_until(LONG, async || registry.endpoint.connections() == 1).await;
    drop(registered);
    wait_until(LONG, async || registry.endpoint.connections() == 0).await;
}

#[tokio::test]
async fn the_registry_is_dialled_again_after_it_was_away() {
    let double = Double::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = |listener| {
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, Endpoint::new(Arc::new(double.service.clone())), stop.clone()));
        stop.drop_guard()
    };
    let guard = serving(listener);
    let math = super::math();
    let dialer = Dialer::new(&format!("http://{address}/kite")).unwrap();
    let kontrol = Kontrol::connect(&math, dialer, credential("key_1"), RegistryKeys::default(), double.now());
    kontrol.register("http://elsewhere.example/kite").await.unwrap();

    drop(guard);
    kontrol.registered().wait_for(Option::is_none).await.unwrap();
    let mut listener = None;
    wait_until(LONG, async || {
        listener = TcpListener::bind(address).await.ok();
        listener.is_some()
    })
    .await;
    let _guard = serving(listener.unwrap());

    kontrol.registered().wait_for(Option::is_some).await.unwrap();
    assert_eq!(double.count("register"), 2);
    assert!(double.last("register").0.starts_with("kiteKey "));
}

/// An example, which is built with the tests.
#[track_caller]
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(example.exists(), "`--test it` builds no examples; run the tests of the whole crate");
    Command::new(example)
}

#[track_caller]
fn said(output: &Output) -> &str {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_example_of_a_registered_kite_registers_is_found_and_called() {
    let double = Double::new();
    double.registers_for_good();
    double.follows_the_real_clock();
    let registry = served(&double.service).await;
    let home = tempfile::tempdir().unwrap();
    let key = KiteKey::parse(kite_key_at(&registry.url, "ada", "key_1").expose()).unwrap();
    KeyFile::in_folder(home.path()).write(&key).unwrap();

    let mut command = example("registered");
    command.env("KITE_HOME", home.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();

    assert!(said(&output).ends_with("\n7 squared is 49\n"), "{}", said(&output));
    assert!(said(&output).starts_with("registered at http://127.0.0.1:"));
}

#[tokio::test]
async fn the_example_client_has_the_example_server_square_a_number() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let mut server = tokio::process::Command::from(example("square_server"));
    server.arg("127.0.0.1:0").stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut server = server.spawn().unwrap();
    let url = BufReader::new(server.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();

    let mut client = example("square_client");
    client.args([&url, "12"]);
    let output = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();

    assert_eq!(said(&output), "12 squared is 144\n");
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = include_str!("../../../README.md");

    for example in [
        include_str!("../../../examples/square_server.rs"),
        include_str!("../../../examples/square_client.rs"),
    ] {
        let code = example.split_once("\n\n").unwrap().1;
        assert!(readme.contains(&format!("```rust\n{code}```\n")), "README.md differs from:\n{code}");
    }
}
