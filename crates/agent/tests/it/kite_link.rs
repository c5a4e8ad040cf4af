//! Kite on both planes: clients that the server carries to the agent, and the agent's own registration.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt, stream};
use kite::{Authenticator, Claim, Context, Error, Kite, Peer, Request, Service, Verified};
use link::{Admission, AgentClient, Agents, KiteStream, LinkError, listen_unix};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentConfig, KiteCaller};

use crate::bench::{Bench, LIMIT, bench, config, outside, shell, until};

fn caller() -> KiteCaller {
    KiteCaller { user: "usr_1".into(), username: "ada".into(), is_owner: true }
}

/// A Kite client whose messages come to the agent as the server's relay sends them.
async fn client(client: &AgentClient) -> Peer {
    let stream = client.open_kite(&caller()).await.unwrap();
    let (peer, connection) = Service::client(Kite::default()).serve(stream, Context::default());
    tokio::spawn(connection);
    peer
}

fn message(method: &str, arguments: &Value) -> String {
    json!({
        "method": method,
        "arguments": [{"kite": {"username": "ada"}, "withArgs": arguments, "responseCallback": "[Function]"}],
        "callbacks": {"1": ["0", "responseCallback"]},
    })
    .to_string()
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.unwrap()
}

#[tokio::test]
async fn a_carried_client_calls_the_agents_methods() {
    let bench = bench().await;
    let peer = client(&bench.client).await;

    assert_eq!(within(peer.call::<String>("kite.ping", ())).await.unwrap(), "pong");
    let done: Value = within(peer.call("exec", (json!({"command": "echo hello"}),))).await.unwrap();
    let unknown = within(peer.call::<Value>("teleport", ())).await.unwrap_err();

    assert_eq!(done["stdout"], "hello\n");
    assert!(unknown.is(kite::error::kind::METHOD_NOT_FOUND), "{unknown:?}");
}

#[tokio::test]
async fn long_messages_pass_both_ways_and_none_above_the_limit() {
    let bench = bench().await;
    let peer = client(&bench.client).await;
    // Base64 of almost 2 MB.
    let content = "QUJD".repeat(660_000);

    let path = bench.path("long");
    let written = json!({"path": path, "content": content});
    within(peer.call::<Value>("fs.writeFile", (written,))).await.unwrap();
    let read: Value = within(peer.call("fs.readFile", (json!({"path": path}),))).await.unwrap();

    assert!(read["content"] == *content);
    let mut raw = bench.client.open_kite(&caller()).await.unwrap();
    assert!(raw.send("x".repeat((4 << 20) + 1)).await.is_err());
    raw.send(message("kite.ping", &json!([]))).await.unwrap();
    assert!(within(raw.next()).await.unwrap().unwrap().contains("pong"));
}

#[tokio::test]
async fn many_clients_that_read_nothing_hold_up_neither_another_nor_the_byte_plane() {
    let bench = bench().await;
    std::fs::write(bench.folder().join("large"), vec![b'x'; 512 << 10]).unwrap();
    let read = message("fs.readFile", &json!([{"path": bench.path("large")}]));
    let mut idle: Vec<KiteStream> = vec![];
    // Together more than the connection's window holds, were it theirs.
    for _ in 0..16 {
        let mut stream = bench.client.open_kite(&caller()).await.unwrap();
        for _ in 0..2 {
            within(stream.send(read.clone())).await.unwrap();
        }
        idle.push(stream);
    }
    let peer = client(&bench.client).await;

    for _ in 0..20 {
        assert_eq!(within(peer.call::<String>("kite.ping", ())).await.unwrap(), "pong");
    }
    let done = within(bench.client.exec(&shell("head -c 6000000 /dev/zero | tr '\\0' x"))).await.unwrap();
    let large: Value =
        within(peer.call("fs.readFile", (json!({"path": bench.path("large")}),))).await.unwrap();

    assert_eq!(done.stdout.len(), 6_000_000);
    assert!(large["content"].as_str().unwrap().len() > 512 << 10);
    // Whoever reads after all gets everything.
    let mut late = idle.pop().unwrap();
    for _ in 0..2 {
        assert!(within(late.next()).await.unwrap().unwrap().len() > 512 << 10);
    }
}

#[tokio::test]
async fn an_agent_that_ends_in_the_middle_of_a_call_gives_disconnected() {
    let bench = bench().await;
    let (near, far) = tokio::io::duplex(64 << 10);
    let agent = bench.agent.clone();
    let serving = tokio::spawn(async move { agent.serve(far).await });
    let (link, connection) = AgentClient::connect(near).await.unwrap();
    tokio::spawn(connection);
    let peer = client(&link).await;
    let started = bench.path("started");
    let command = json!({"command": format!("touch {started}; sleep 1000")});
    let calling = tokio::spawn(async move { peer.call::<Value>("exec", (command,)).await });
    until("it runs", || async { std::fs::exists(&started).unwrap() }).await;

    serving.abort();

    let error = within(calling).await.unwrap().unwrap_err();
    assert!(error.is(kite::error::kind::DISCONNECTED), "{error:?}");
    assert!(matches!(link.open_kite(&caller()).await, Err(LinkError::Gone)));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_what_it_had_running() {
    let bench = bench().await;
    let mut stream = bench.client.open_kite(&caller()).await.unwrap();
    let pid = bench.path("pid");
    let command = json!([{"command": format!("echo $$ > {pid}; exec sleep 1000")}]);
    stream.send(message("exec", &command)).await.unwrap();
    until("it runs", || async { std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) }).await;
    let pid = std::fs::read_to_string(&pid).unwrap();

    drop(stream);

    until("it is gone", || async { !crate::bench::is_alive(&pid) }).await;
}

/// With so many calls running, the connection reads nothing and does not look whether anybody is still there.
#[tokio::test]
async fn a_client_that_goes_away_ends_as_many_calls_as_may_run() {
    let bench = bench().await;
    let mut stream = bench.client.open_kite(&caller()).await.unwrap();
    let pids = bench.path("pids");
    let command = json!([{"command": format!("echo $$ >> {pids}; exec sleep 1000")}]);
    let walk = json!([{"path": "/usr"}]);
    for _ in 0..200 {
        within(stream.send(message("exec", &command))).await.unwrap();
    }
    for _ in 0..80 {
        within(stream.send(message("fs.getPathSize", &walk))).await.unwrap();
    }
    let running = || std::fs::read_to_string(&pids).unwrap_or_default();
    until("they run", || async { running().lines().count() == 200 }).await;

    drop(stream);

    for pid in running().lines() {
        until("it is gone", || async { !crate::bench::is_alive(pid) }).await;
    }
}

/// Memory of this process, which has both ends in it.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

#[tokio::test]
async fn a_client_that_takes_no_answers_takes_little_memory_and_nobody_elses_turn() {
    let bench = bench().await;
    std::fs::write(bench.folder().join("large"), vec![b'x'; 2 << 20]).unwrap();
    for number in 0..3000 {
        std::fs::write(bench.folder().join(format!("{number:0200}")), "").unwrap();
    }
    let argument = json!({"path": bench.path("large"), "blockSize": 2 << 20});
    let before = resident_mib();
    let mut idle = bench.client.open_kite(&caller()).await.unwrap();
    for _ in 0..30 {
        within(idle.send(message("fs.readFile", &json!([argument])))).await.unwrap();
        within(idle.send(message("fs.readDirectory", &json!([{"path": bench.folder()}])))).await.unwrap();
    }

    let peer = client(&bench.client).await;
    for _ in 0..3 {
        let read: Value = within(peer.call("fs.readFile", (argument.clone(),))).await.unwrap();
        assert!(read["content"].as_str().unwrap().len() > 2 << 20);
        let listed: Value =
            within(peer.call("fs.readDirectory", (json!({"path": bench.folder()}),))).await.unwrap();
        assert!(!listed["files"].as_array().unwrap().is_empty());
    }

    let after = resident_mib();
    println!("{before} MiB became {after}");
    assert!(after < before + 96, "{before} MiB became {after}");
    // Whoever reads after all gets everything.
    for _ in 0..60 {
        assert!(within(idle.next()).await.unwrap().unwrap().len() > 1 << 20);
    }
}

#[tokio::test]
async fn a_stream_that_does_not_say_who_calls_is_refused() {
    let bench = bench().await;
    for body in [
        &b""[..],
        b"\x02\x00\x00\x00\x02hi",
        b"\x01\x00\x00\x00\x02{}",
        b"\x09nonsense",
        b"\x01\xff\xff\xff\xff",
    ] {
        let (near, far) = tokio::io::duplex(64 << 10);
        let agent = bench.agent.clone();
        tokio::spawn(async move { agent.serve(far).await });
        let (mut sender, connection) = hyper::client::conn::http2::handshake(
            hyper_util::rt::TokioExecutor::new(),
            hyper_util::rt::TokioIo::new(near),
        )
        .await
        .unwrap();
        tokio::spawn(connection);
        let body = http_body_util::Full::new(bytes::Bytes::from_static(body));
        let request = http::Request::post("http://agent/v1/kite").body(body).unwrap();

        let status = within(sender.send_request(request)).await.unwrap().status();

        assert_eq!(status, 400);
    }
}

/// A registry that keeps what it is told.
#[derive(Clone, Default)]
struct Registry {
    told: Arc<Mutex<Vec<(String, Value)>>>,
    /// Whether it takes registrations.
    is_open: Arc<std::sync::atomic::AtomicBool>,
}

impl Registry {
    fn service(&self) -> Service {
        let (registering, reporting) = (self.clone(), self.clone());
        Service::builder(Kite::default())
            .authenticator(Arc::new(Anybody))
            .method("register", move |request| {
                let answer = registering.clone().note(&request);
                let is_open = registering.is_open.load(std::sync::atomic::Ordering::Relaxed);
                async move { if is_open { answer } else { Err(Error::generic("not now")) } }
            })
            .method("report", move |request| {
                let answer = reporting.clone().note(&request);
                async move { answer }
            })
            .build()
    }

    fn note(self, request: &Request) -> Result<Value, Error> {
        self.told.lock().unwrap().push((request.method().to_owned(), request.arg()?));
        Ok(json!({"url": "", "heartbeatInterval": 0}))
    }

    fn heard(&self, method: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter().filter(|(name, _)| name == method).map(|(_, argument)| argument.clone()).collect()
    }
}

struct Anybody;

#[async_trait]
impl Authenticator for Anybody {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        assert!(claim.authentication.is_none(), "an agent has no credential for the registry");
        Ok(Verified::user("agent"))
    }
}

struct Open;

#[async_trait]
impl Admission for Open {
    async fn admit(&self, _workspace: domain::WorkspaceId, _token: &str) -> bool {
        true
    }
}

struct Server {
    agents: Agents,
    registry: Registry,
    workspace: domain::WorkspaceId,
    _folder: Bench,
}

/// A server on a Unix socket, and an agent that dials it for ever.
async fn server() -> Server {
    let bench = bench().await;
    let socket = bench.root.path().join("agent.sock");
    let workspace: domain::WorkspaceId = "ws_00000000000000000000000000".parse().unwrap();
    let (agents, registry) = (Agents::new(), Registry::default());
    registry.is_open.store(true, std::sync::atomic::Ordering::Relaxed);
    agents.serve_kites(registry.service(), |_| Context::default());
    let door = Arc::new(Open);
    let listening = listen_unix(&socket, workspace, agents.clone(), door, CancellationToken::new()).unwrap();
    tokio::spawn(listening);
    let config = AgentConfig { server: format!("unix:{}", socket.display()), ..config(bench.root.path()) };
    let agent = agent::Agent::new(&config, outside());
    tokio::spawn(async move { agent.run(&config).await });
    Server { agents, registry, workspace, _folder: bench }
}

impl Server {
    async fn client(&self) -> AgentClient {
        within(self.agents.wait_for(self.workspace)).await
    }

    async fn until_heard(&self, method: &str, count: usize) -> Vec<Value> {
        until("it is heard", || async { self.registry.heard(method).len() >= count }).await;
        self.registry.heard(method)
    }
}

#[tokio::test]
async fn the_agent_registers_with_each_connection_and_tells_how_often_it_was_called() {
    let server = server().await;
    assert_eq!(server.until_heard("register", 1).await, [json!({"url": ""})]);
    assert!(server.registry.heard("report").is_empty(), "there is nothing to tell");

    let peer = client(&server.client().await).await;
    let calls = stream::iter(0..20)
        .map(|_| peer.call::<Value>("os.home", (json!({"username": "nobody-of-that-name"}),)));
    let answers: Vec<_> = calls.buffer_unordered(20).collect().await;
    assert!(answers.iter().all(Result::is_err));

    let report = server.until_heard("report", 1).await.remove(0);
    assert!(report["calls"].as_u64().unwrap() >= 1 && report["errors"].is_u64(), "{report}");
    server.client().await.close();
    server.until_heard("register", 2).await;
    // The new connection is told at once, however short the time since the last.
    let report = server.until_heard("report", 2).await.remove(1);
    assert_eq!((report["calls"].as_u64(), report["errors"].as_u64()), (Some(20), Some(20)));
}

#[tokio::test]
async fn an_agent_that_may_not_register_serves_all_the_same_and_tries_again() {
    let server = server().await;
    server.until_heard("register", 1).await;
    server.registry.is_open.store(false, std::sync::atomic::Ordering::Relaxed);
    server.client().await.close();

    server.until_heard("register", 2).await;
    let client = server.client().await;
    assert_eq!(client.info().await.unwrap().protocol, wire::agent::PROTOCOL);
    server.registry.is_open.store(true, std::sync::atomic::Ordering::Relaxed);

    server.until_heard("register", 3).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(!client.is_closed(), "the same connection is tried again");
}
