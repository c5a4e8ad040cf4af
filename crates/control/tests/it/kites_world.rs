//! People, their kites, and programs that talk to the registry.

use std::time::Duration;

use control::{Control, KiteKeyFacts, KiteKeyWish, NewWorkspace};
use domain::{Caller, WorkspaceId};
use kite::{Authentication, Context, Error, Kite, Peer, Service};
use registry::{AgentSeat, Origin};
use serde_json::{Value, json};
use testkit::wait_until;

use crate::sim::LIMIT;

/// What is promised for whatever ends with a right.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);

/// What a program says of itself. The user name is not believed anyway.
pub(crate) fn a_kite(name: &str) -> Kite {
    Kite {
        id: format!("{name}-1"),
        username: "somebody".into(),
        environment: "production".into(),
        name: name.into(),
        version: "1.2.3".into(),
        region: "local".into(),
        hostname: "machine".into(),
    }
}

/// A program that is connected to the registry, and can only call.
pub(crate) fn connect(control: &Control, kite: &Kite) -> Peer {
    connect_as(control, &Service::client(kite.clone()))
}

/// A program that is connected to the registry, with methods of its own.
pub(crate) fn connect_as(control: &Control, program: &Service) -> Peer {
    let (ours, theirs) = kite::transport::pair(64);
    let registry = control.registry().clone();
    tokio::spawn(async move { registry.serve(theirs, Context::with(Origin::default())).await });
    let (peer, connection) = program.serve(ours, Context::default());
    tokio::spawn(connection);
    peer
}

/// Calls the registry with a kite key.
pub(crate) async fn call(peer: &Peer, key: &str, method: &str, argument: Value) -> Result<Value, Error> {
    peer.request(method).args([argument]).authentication(Authentication::kite_key(key)).send().await
}

/// Calls the registry with an API token.
pub(crate) async fn call_with_token(
    peer: &Peer,
    token: &str,
    method: &str,
    argument: Value,
) -> Result<Value, Error> {
    peer.request(method).args([argument]).authentication(Authentication::token(token)).send().await
}

/// A kite key of somebody, for a team or for them alone.
pub(crate) async fn a_key(control: &Control, of: &Caller, team: Option<&str>) -> (KiteKeyFacts, String) {
    let wish = KiteKeyWish { name: "machine".into(), team: team.map(str::to_owned), days: None };
    let (facts, key) = control.create_kite_key(of, wish).await.unwrap();
    (facts, key.expose().clone())
}

/// A service that is registered over a connection of its own with this key.
pub(crate) async fn a_service(control: &Control, key: &str, name: &str) -> Peer {
    let peer = connect(control, &a_kite(name));
    register(&peer, key, name).await.unwrap();
    peer
}

/// Registers over a connection that is there.
pub(crate) async fn register(peer: &Peer, key: &str, name: &str) -> Result<Value, Error> {
    call(peer, key, "register", json!({ "url": format!("http://192.0.2.1:3636/{name}") })).await
}

/// The agent of a workspace, registered; held until it is dropped or closed.
pub(crate) async fn an_agent(control: &Control, workspace: WorkspaceId) -> Peer {
    let (ours, theirs) = kite::transport::pair(64);
    let context = Context::with(AgentSeat { workspace });
    let (_, connection) = control.registry().service().serve(theirs, context);
    tokio::spawn(connection);
    let (peer, connection) = Service::client(a_kite("klient")).serve(ours, Context::default());
    tokio::spawn(connection);
    // A registry that was just started for the first time makes its key.
    let register = async || peer.call::<Value>("register", [json!({ "url": "" })]).await;
    wait_until(LIMIT, async || {
        let answer = register().await;
        let url = answer.ok().and_then(|answer| answer.get("url")?.as_str().map(str::to_owned));
        url.is_some_and(|url| url.ends_with(&workspace.to_string()))
    })
    .await;
    peer
}

/// A workspace of somebody's in a team.
pub(crate) async fn a_workspace(control: &Control, owner: &Caller, team: &str) -> WorkspaceId {
    let wish = NewWorkspace { team: Some(team.into()), ..NewWorkspace::default() };
    control.create_workspace(owner, wish).await.unwrap().id
}

/// The ids of the kites that somebody sees, and whether they may call them.
pub(crate) async fn seen(control: &Control, caller: &Caller) -> Vec<(String, bool)> {
    let kites = control.kites(caller, &control::KiteFilter::default()).await.unwrap();
    kites.into_iter().map(|kite| (kite.id, kite.may_call)).collect()
}

/// Waits until a kite is gone for somebody who saw it.
pub(crate) async fn until_unseen(control: &Control, caller: &Caller, id: &str) {
    wait_until(LIMIT, async || control.kite(caller, id).await.is_err()).await;
}
