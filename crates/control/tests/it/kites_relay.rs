//! Kite clients through the relay to a real agent, as far as their right to call goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use control::{Control, OlderKeys, RelayFull, RelayVisit, UserChange};
use domain::{Caller, Scope, SignedDuration, WorkspaceId};
use kite::error::kind;
use kite::{Authentication, Context, Error, Peer, Service};
use runtime::BindMount;
use serde_json::{Value, json};
use testkit::{SeededEntropy, wait_until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentConfig, RUN_FOLDER, SOCKET_NAME};

use crate::kites_world::{a_key, a_kite, call, call_with_token, connect};
use crate::sim::{LIMIT, Server, World};
use crate::teams::person;

/// A workspace whose agent is the real one.
struct Inside {
    id: WorkspaceId,
    home: tempfile::TempDir,
    config: AgentConfig,
    agent: JoinHandle<()>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.agent.abort();
    }
}

/// A running workspace of somebody's, whose agent has registered.
async fn inside(world: &World, server: &Server, owner: &Caller) -> Inside {
    let wish = control::NewWorkspace { url: Some(world.url()), ..control::NewWorkspace::default() };
    let id = server.control.create_workspace(owner, wish).await.unwrap().id;
    wait_until(LIMIT, async || {
        let seen = server.control.workspace(owner, id).await.unwrap();
        matches!(seen.phase, domain::Phase::Running { .. })
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let mut config: AgentConfig = {
        let state = world.machine.state();
        let process = state.sandboxes.get(&id).unwrap().process.as_ref().unwrap();
        let is_run = |mount: &&BindMount| mount.inside == RUN_FOLDER;
        let run = process.boot.mounts.iter().find(is_run).unwrap();
        let mut config: AgentConfig = serde_json::from_slice(&process.boot.descriptor_3).unwrap();
        config.server = format!("unix:{}", run.host.join(SOCKET_NAME).display());
        state.replaced.get(&id).unwrap().cancel();
        config
    };
    config.folder = home.path().display().to_string();
    config.env.push(("HOME".into(), home.path().display().to_string()));
    let agent = tokio::spawn(std::future::ready(()));
    let mut inside = Inside { id, home, config, agent };
    inside.start();
    inside.until_registered(&server.control).await;
    inside
}

impl Inside {
    fn start(&mut self) {
        let clock = Arc::new(testkit::FakeClock::default());
        let outside = agent::Outside { clock, entropy: Arc::new(SeededEntropy::new(5)) };
        let (agent, config) = (agent::Agent::new(&self.config, outside), self.config.clone());
        self.agent = tokio::spawn(async move { agent.run(&config).await });
    }

    async fn until_registered(&self, control: &Control) {
        let id = self.id.to_string();
        wait_until(LIMIT, async || control.registry().get(&id).is_some_and(|entry| entry.connected)).await;
    }
}

/// A client at the relay, and the end of its connection there.
fn at_relay(control: &Control, kite: &str) -> (Peer, JoinHandle<()>) {
    at_relay_as(control, kite, control.visit_kite_relay(None).unwrap())
}

fn at_relay_as(control: &Control, kite: &str, visit: RelayVisit) -> (Peer, JoinHandle<()>) {
    let (near, far) = kite::transport::pair(64);
    let (control, kite) = (control.clone(), kite.to_owned());
    let relay = tokio::spawn(async move {
        control.relay_kite(&kite, visit, Box::new(far), CancellationToken::new()).await;
    });
    let (peer, connection) = Service::client(a_kite("client")).serve(near, Context::default());
    tokio::spawn(connection);
    (peer, relay)
}

async fn a_token(control: &Control, caller: &Caller, kite: &str) -> Authentication {
    let token = control.kite_token(caller, kite).await.unwrap();
    Authentication::token(token.token.expose().clone())
}

/// A client that has called the kite once.
async fn a_client(control: &Control, caller: &Caller, kite: &str) -> (Peer, JoinHandle<()>) {
    a_client_with(control, a_token(control, caller, kite).await, kite).await
}

async fn a_client_with(control: &Control, token: Authentication, kite: &str) -> (Peer, JoinHandle<()>) {
    let (peer, relay) = at_relay(control, kite);
    peer.set_authentication(Some(token));
    let answer = run(&peer, "echo hello").await.unwrap();
    assert_eq!(answer.get("stdout").and_then(|output| output.as_str()), Some("hello\n"));
    (peer, relay)
}

async fn run(peer: &Peer, command: &str) -> Result<Value, Error> {
    tokio::time::timeout(LIMIT, peer.call("exec", [json!({ "command": command })])).await.unwrap()
}

/// A call that lasts until it is cut, and has begun.
async fn lasting(peer: &Peer, inside: &Inside) -> JoinHandle<Result<Value, Error>> {
    let begun = inside.home.path().join("begun");
    drop(std::fs::remove_file(&begun));
    let command = format!("touch {}; exec sleep 1000", begun.display());
    let call = peer.request("exec").args([json!({ "command": command })]).timeout(LIMIT * 10);
    let call = tokio::spawn(async move { call.send::<Value>().await });
    wait_until(LIMIT, async || begun.exists()).await;
    call
}

async fn is_cut(call: JoinHandle<Result<Value, Error>>, relay: JoinHandle<()>) {
    // Sooner than everything is looked at anyway.
    let error = tokio::time::timeout(LIMIT, call).await.expect("cut at once").unwrap().unwrap_err();
    assert!(error.is(kind::DISCONNECTED), "{error:?}");
    tokio::time::timeout(LIMIT, relay).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_owner_calls_the_agent_and_nobody_else_does() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, max) = (person(&server, "olga").await, person(&server, "max").await);
    let (inside, other) = (inside(&world, &server, &olga).await, inside(&world, &server, &olga).await);
    let (kite, elsewhere) = (inside.id.to_string(), other.id.to_string());

    let (peer, _) = a_client(control, &olga, &kite).await;

    let error = run(&peer, "true; exit 3").await.unwrap();
    assert_eq!(error["exitStatus"], 3);
    assert!(control.kite_token(&max, &kite).await.is_err());
    assert!(control.kite_token(&server.admin, &kite).await.is_err(), "administrators see it and do not call");
    // A token is good at one kite, a changed one nowhere, and no other credential is.
    let token = a_token(control, &olga, &kite).await;
    let mut changed = token.expose().to_owned();
    changed.replace_range(changed.len() - 10..changed.len() - 9, "-");
    let scopes = BTreeSet::from([Scope::All]);
    let (_, api_token) = control.create_token(&olga, "x", scopes, None).await.unwrap();
    for (at, authentication) in [
        (&elsewhere, Some(token.clone())),
        (&kite, Some(Authentication::token(changed))),
        (&kite, Some(Authentication::token(api_token.expose()))),
        (&kite, Some(Authentication::kite_key(token.expose()))),
        (&kite, None),
        (&"ws_00000000000000000000000000".to_owned(), Some(token.clone())),
    ] {
        let (stranger, _relay) = at_relay(control, at);
        stranger.set_authentication(authentication);
        let error = run(&stranger, "touch reached").await.unwrap_err();
        assert!(error.is(kind::AUTHENTICATION), "{error:?}");
    }
    assert!(!inside.home.path().join("reached").exists() && !other.home.path().join("reached").exists());
}

#[tokio::test]
async fn somebody_it_is_shared_with_calls_until_it_is_taken_back() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, max) = (person(&server, "olga").await, person(&server, "max").await);
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    control.share_kite(&olga, &kite, "max").await.unwrap();
    let (owners, _) = a_client(control, &olga, &kite).await;
    let (peer, relay) = a_client(control, &max, &kite).await;
    let token = a_token(control, &max, &kite).await;
    let calling = lasting(&peer, &inside).await;

    control.unshare_kite(&olga, &kite, "max").await.unwrap();

    is_cut(calling, relay).await;
    let (again, _) = at_relay(control, &kite);
    again.set_authentication(Some(token));
    let error = run(&again, "true").await.unwrap_err();
    assert!(error.is(kind::AUTHENTICATION), "a token that is still good does not help: {error:?}");
    assert_eq!(run(&owners, "echo still").await.unwrap()["stdout"], "still\n");
}

#[tokio::test]
async fn who_is_suspended_is_cut_in_the_middle_of_a_call() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let inside = inside(&world, &server, &olga).await;
    let (peer, relay) = a_client(control, &olga, &inside.id.to_string()).await;
    let calling = lasting(&peer, &inside).await;

    let change = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, olga.user, change).await.unwrap();

    is_cut(calling, relay).await;
}

#[tokio::test]
async fn an_agent_that_restarts_ends_calls_and_is_there_again() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let mut inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let (peer, relay) = a_client(control, &olga, &kite).await;
    let token = a_token(control, &olga, &kite).await;
    let calling = lasting(&peer, &inside).await;

    inside.agent.abort();

    is_cut(calling, relay).await;
    wait_until(LIMIT, async || control.registry().get(&kite).is_none_or(|entry| !entry.connected)).await;
    let (early, _) = at_relay(control, &kite);
    early.set_authentication(Some(token));
    assert!(run(&early, "true").await.is_err(), "nobody is there");
    inside.start();
    inside.until_registered(control).await;
    a_client(control, &olga, &kite).await;
}

#[tokio::test]
async fn a_caller_has_so_many_connections() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let mut held = vec![];
    for _ in 0..50 {
        held.push(a_client(control, &olga, &kite).await);
    }

    let (more, _relay) = at_relay(control, &kite);
    more.set_authentication(Some(a_token(control, &olga, &kite).await));
    let error = run(&more, "true").await.unwrap_err();
    assert!(error.is(kind::RATE_LIMITED), "{error:?}");
    let (first, relay) = held.pop().unwrap();
    first.close();
    tokio::time::timeout(LIMIT, relay).await.unwrap().unwrap();

    assert!(run(&more, "true").await.is_ok());
}

/// The token in the registry's answer to `getToken`.
fn answered(answer: Result<Value, Error>) -> Authentication {
    Authentication::token(answer.unwrap().as_str().unwrap())
}

#[tokio::test]
async fn a_connection_ends_with_the_credential_that_its_token_was_given_for() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let wanted = json!({ "id": &kite });
    let program = connect(control, &a_kite("program"));
    let (key, text) = a_key(control, &olga, None).await;
    let by_key = answered(call(&program, &text, "getToken", wanted.clone()).await);
    let scopes = BTreeSet::from([Scope::All]);
    let (api_token, text) = control.create_token(&olga, "x", scopes.clone(), None).await.unwrap();
    let by_token = answered(call_with_token(&program, text.expose(), "getToken", wanted).await);
    let (other_token, text) = control.create_token(&olga, "y", scopes, None).await.unwrap();
    let with_token = control.caller_of_token(text.expose()).await.unwrap().unwrap();
    let by_rest = a_token(control, &with_token, &kite).await;
    let password = "correct horse battery".to_owned().into();
    let signed_in = control.sign_in("olga", password, "a browser").await.unwrap();
    let browser = control.caller_of_session(signed_in.token.expose()).await.unwrap().unwrap();
    let by_session = a_token(control, &browser, &kite).await;
    let (owners, _) = a_client(control, &olga, &kite).await;
    let tokens = BTreeSet::from([&by_key, &by_token, &by_rest, &by_session].map(Authentication::expose));
    assert_eq!(tokens.len(), 4, "a token is given for one credential");

    for (number, token) in [&by_key, &by_token, &by_rest, &by_session].into_iter().enumerate() {
        let (peer, relay) = a_client_with(control, token.clone(), &kite).await;
        let calling = lasting(&peer, &inside).await;
        match number {
            0 => control.revoke_kite_key(&olga, key.id).await.unwrap(),
            1 => control.revoke_token(&olga, api_token.id).await.unwrap(),
            2 => control.revoke_token(&olga, other_token.id).await.unwrap(),
            _ => control.sign_out(&browser).await.unwrap(),
        }
        is_cut(calling, relay).await;
        let (again, _relay) = at_relay(control, &kite);
        again.set_authentication(Some(token.clone()));
        let error = run(&again, "true").await.unwrap_err();
        assert!(error.is(kind::AUTHENTICATION), "{number}: {error:?}");
    }

    assert_eq!(run(&owners, "echo still").await.unwrap()["stdout"], "still\n");
}

#[tokio::test]
async fn a_credential_that_comes_later_counts_too() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let (key, text) = a_key(control, &olga, None).await;
    let program = connect(control, &a_kite("program"));
    let by_key = answered(call(&program, &text, "getToken", json!({ "id": &kite })).await);
    let (peer, relay) = a_client(control, &olga, &kite).await;
    peer.set_authentication(Some(by_key));
    let calling = lasting(&peer, &inside).await;

    control.revoke_kite_key(&olga, key.id).await.unwrap();

    is_cut(calling, relay).await;
}

#[tokio::test]
async fn what_a_void_key_signed_is_cut_in_the_middle_of_a_call() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let (peer, relay) = a_client(control, &olga, &kite).await;
    let calling = lasting(&peer, &inside).await;

    control.rotate_registry_key(&server.admin, OlderKeys::Keep).await.unwrap();
    assert_eq!(run(&peer, "echo still").await.unwrap()["stdout"], "still\n");
    control.rotate_registry_key(&server.admin, OlderKeys::Revoke).await.unwrap();

    is_cut(calling, relay).await;
    a_client(control, &olga, &kite).await;
}

#[tokio::test]
async fn a_connection_lasts_as_long_as_somebody_shows_new_tokens() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, max) = (person(&server, "olga").await, person(&server, "max").await);
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let (renewing, stays) = a_client(control, &olga, &kite).await;
    let (silent, ends) = a_client(control, &olga, &kite).await;
    let calling = lasting(&silent, &inside).await;
    // So that everybody is looked at now, and not in half a minute.
    let look = async || {
        control.share_kite(&max, "production/x", "olga").await.unwrap();
        control.unshare_kite(&max, "production/x", "olga").await.unwrap();
    };

    world.clock.advance(SignedDuration::from_mins(50));
    renewing.set_authentication(Some(a_token(control, &olga, &kite).await));
    run(&renewing, "true").await.unwrap();
    world.clock.advance(SignedDuration::from_secs(10 * 60 + 50));
    look().await;
    assert!(!ends.is_finished() && !calling.is_finished(), "there is a minute for clocks");
    world.clock.advance(SignedDuration::from_secs(20));
    look().await;

    is_cut(calling, ends).await;
    assert_eq!(run(&renewing, "echo still").await.unwrap()["stdout"], "still\n");
    assert!(!stays.is_finished());
}

#[tokio::test]
async fn a_network_of_silent_clients_keeps_only_itself_out() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let inside = inside(&world, &server, &olga).await;
    let kite = inside.id.to_string();
    let here = "192.0.2.1".parse().ok();
    let mut visits: Vec<_> = std::iter::from_fn(|| control.visit_kite_relay(here).ok()).take(1000).collect();
    assert_eq!(control.visit_kite_relay(here).err(), Some(RelayFull::Network));
    a_client(control, &olga, &kite).await;

    // Whoever is let in waits no more.
    let (peer, _relay) = at_relay_as(control, &kite, visits.pop().unwrap());
    peer.set_authentication(Some(a_token(control, &olga, &kite).await));
    run(&peer, "true").await.unwrap();

    assert!(control.visit_kite_relay(here).is_ok());
}
