//! Kite calls over the text plane of real connections, between an agent's end and the registry's.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use kite::{Authenticator, Claim, Context, Error, Kite, Peer, Request, Service, Verified};
use link::{Agents, Dialled, dial, listen_unix};
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentConfig, ExecRequest};

use crate::stand::{Door, LIMIT, agent, config, workspace};

/// Which workspace's connection it is, as the registry is told.
struct Seat(domain::WorkspaceId);

/// Believes whoever sits in a seat.
struct Seated;

#[async_trait]
impl Authenticator for Seated {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let seat = claim.context.get::<Seat>().ok_or_else(|| Error::authentication("no seat"))?;
        Ok(Verified::user(seat.0.to_string()))
    }
}

/// A registry that remembers who is there.
#[derive(Clone, Default)]
struct Registry {
    present: Arc<Mutex<Vec<(u64, Peer)>>>,
    next: Arc<AtomicU64>,
}

impl Registry {
    fn service(&self) -> Service {
        let registry = self.clone();
        Service::builder(descriptor("registry"))
            .authenticator(Arc::new(Seated))
            .method("register", move |request| std::future::ready(Ok(registry.clone().register(&request))))
            .method("who", |request: Request| async move { Ok(request.caller().username.clone()) })
            .build()
    }

    fn register(self, request: &Request) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let peer = request.peer().clone();
        self.present.lock().unwrap().push((number, peer.clone()));
        tokio::spawn(async move {
            peer.closed().await;
            self.present.lock().unwrap().retain(|(present, _)| *present != number);
        });
        number
    }

    fn present(&self) -> Vec<u64> {
        self.present.lock().unwrap().iter().map(|(number, _)| *number).collect()
    }
}

fn descriptor(name: &str) -> Kite {
    let text = || name.to_owned();
    Kite {
        id: text(),
        username: text(),
        environment: text(),
        name: text(),
        version: "1.0.0".into(),
        region: text(),
        hostname: text(),
    }
}

struct Server {
    agents: Agents,
    registry: Registry,
    config: AgentConfig,
    cancel: CancellationToken,
}

fn listen(folder: &Path) -> Server {
    let socket = folder.join("agent.sock");
    let (agents, registry, cancel) = (Agents::new(), Registry::default(), CancellationToken::new());
    agents.serve_kites(registry.service(), |workspace| Context::with(Seat(workspace)));
    let door = Arc::new(Door::default());
    let listening = listen_unix(&socket, workspace(1), agents.clone(), door, cancel.clone()).unwrap();
    tokio::spawn(listening);
    let config = config(format!("unix:{}", socket.display()), workspace(1), folder);
    Server { agents, registry, config, cancel }
}

impl Server {
    /// Connects a real agent's byte plane, and speaks Kite over the other by itself.
    async fn connect(&self) -> Peer {
        let Dialled { bytes, text } = dial(&self.config).await.unwrap();
        let agent = agent(&self.config);
        tokio::spawn(async move { agent.serve(bytes).await });
        let (peer, connection) =
            Service::client(descriptor("agent")).serve(text.unwrap(), Context::default());
        tokio::spawn(connection);
        peer
    }

    async fn client(&self) -> link::AgentClient {
        tokio::time::timeout(LIMIT, self.agents.wait_for(workspace(1))).await.unwrap()
    }
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, waiting).await.is_ok(), "waited in vain until {what}");
}

#[tokio::test]
async fn the_registry_knows_whose_seat_a_connection_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = listen(folder.path());

    let peer = server.connect().await;

    let who: String = peer.call("who", ()).await.unwrap();
    assert_eq!(who, workspace(1).to_string());
}

#[tokio::test]
async fn a_thousand_calls_pass_while_the_byte_plane_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let server = listen(folder.path());
    let peer = server.connect().await;
    let client = server.client().await;
    let request =
        ExecRequest { command: ["cat", "/dev/zero"].map(String::from).into(), ..ExecRequest::default() };
    let mut flood = client.exec_stream(&request).await.unwrap();
    let counted = Arc::new(AtomicU64::new(0));
    let count = counted.clone();
    let flooding = tokio::spawn(async move {
        while let Some(Ok(frame)) = flood.next().await {
            count.fetch_add(frame.payload.len() as u64, Ordering::Relaxed);
        }
    });
    until("bytes flow", || counted.load(Ordering::Relaxed) > 1 << 20).await;

    let before = counted.load(Ordering::Relaxed);
    let answers = stream::iter(0..1000)
        .map(|_| {
            let peer = peer.clone();
            async move { peer.call::<String>("who", ()).await }
        })
        .buffer_unordered(100)
        .collect::<Vec<_>>();
    let answers = tokio::time::timeout(4 * LIMIT, answers).await.unwrap();

    assert!(answers.iter().all(|answer| answer.as_deref() == Ok(&*workspace(1).to_string())));
    assert!(!flooding.is_finished());
    until("bytes flow still", || counted.load(Ordering::Relaxed) > before + (1 << 20)).await;
    flooding.abort();
}

#[tokio::test]
async fn bytes_pass_while_calls_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = listen(folder.path());
    let peer = server.connect().await;
    let client = server.client().await;
    let calling = tokio::spawn(async move {
        let calls = stream::repeat(peer).map(|peer| async move { peer.call::<String>("who", ()).await });
        let mut calls = calls.buffer_unordered(32);
        while let Some(answer) = calls.next().await {
            answer.unwrap();
        }
    });

    let text = "x".repeat(4 << 20);
    let request =
        ExecRequest { command: vec!["cat".into()], stdin: Some(text.clone()), ..Default::default() };
    for _ in 0..4 {
        let done = tokio::time::timeout(2 * LIMIT, client.exec(&request)).await.unwrap().unwrap();
        assert!(done.stdout == text);
    }

    assert!(!calling.is_finished());
    calling.abort();
}

#[tokio::test]
async fn what_was_registered_ends_with_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = listen(folder.path());
    let peer = server.connect().await;
    let number: u64 = peer.call("register", ()).await.unwrap();
    assert_eq!(server.registry.present(), [number]);

    server.client().await.close();

    until("it is gone", || server.registry.present().is_empty()).await;
    tokio::time::timeout(LIMIT, peer.closed()).await.unwrap();
}

#[tokio::test]
async fn a_replaced_connection_takes_only_itself_away() {
    let folder = tempfile::tempdir().unwrap();
    let server = listen(folder.path());
    let older = server.connect().await;
    let first: u64 = older.call("register", ()).await.unwrap();
    let newer = server.connect().await;

    let second: u64 = newer.call("register", ()).await.unwrap();

    tokio::time::timeout(LIMIT, older.closed()).await.unwrap();
    until("only the newer is left", || server.registry.present() == [second]).await;
    assert_ne!(first, second);
    let error = older.call::<String>("who", ()).await.unwrap_err();
    assert!(error.is(kite::error::kind::DISCONNECTED), "{error:?}");
    newer.call::<String>("who", ()).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_cut_off_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = listen(folder.path());
    let service = Service::builder(descriptor("registry"))
        .authenticator(Arc::new(Seated))
        .method("never", |_| std::future::pending::<Result<(), Error>>())
        .build();
    let agents = Agents::new();
    agents.serve_kites(service, |workspace| Context::with(Seat(workspace)));
    let socket = folder.path().join("other.sock");
    let door = Arc::new(Door::default());
    tokio::spawn(listen_unix(&socket, workspace(1), agents.clone(), door, server.cancel.clone()).unwrap());
    let server = Server {
        agents,
        config: config(format!("unix:{}", socket.display()), workspace(1), folder.path()),
        ..server
    };
    let peer = server.connect().await;
    let calling = tokio::spawn(async move { peer.call::<()>("never", ()).await });
    let client = server.client().await;
    client.info().await.unwrap();

    server.cancel.cancel();

    let error = tokio::time::timeout(LIMIT, calling).await.unwrap().unwrap().unwrap_err();
    assert!(error.is(kite::error::kind::DISCONNECTED), "{error:?}");
}
