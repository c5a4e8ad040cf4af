//! Kite clients through the relay to a real agent, as far as their right to call goes.

use std::sync::Arc;

use control::{Control, UserChange};
use domain::{Caller, WorkspaceId};
use kite::error::kind;
use kite::{Authentication, Context, Error, Peer, Service};
use runtime::BindMount;
use serde_json::{Value, json};
use testkit::{SeededEntropy, wait_until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentConfig, RUN_FOLDER, SOCKET_NAME};

use crate::kites_world::a_kite;
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
    let (near, far) = kite::transport::pair(64);
    let (control, kite) = (control.clone(), kite.to_owned());
    let relay = tokio::spawn(async move {
        control.relay_kite(&kite, Box::new(far), CancellationToken::new()).await;
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
    let (peer, relay) = at_relay(control, kite);
    peer.set_authentication(Some(a_token(control, caller, kite).await));
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
    let claims = std::collections::BTreeSet::from([domain::Scope::All]);
    let (_, api_token) = control.create_token(&olga, "x", claims, None).await.unwrap();
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
