use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use domain::WorkspaceId;
use kite::{Context, Kite, Service};
use link::{Agents, DialError, dial, listen_unix};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use wire::agent::{AgentConfig, ExecRequest, OpenTerminal};

use crate::stand::{Door, LIMIT, agent, config, workspace};

struct Server {
    agents: Agents,
    door: Arc<Door>,
    cancel: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

fn listen(socket: &Path, workspace: WorkspaceId) -> Server {
    let (agents, door, cancel) = (Agents::new(), Arc::new(Door::default()), CancellationToken::new());
    agents.serve_kites(Service::client(Kite::default()), |_| Context::default());
    let listening = listen_unix(socket, workspace, agents.clone(), door.clone(), cancel.clone()).unwrap();
    Server { agents, door, cancel, serving: tokio::spawn(listening) }
}

impl Server {
    async fn client(&self) -> link::AgentClient {
        tokio::time::timeout(LIMIT, self.agents.wait_for(workspace(1))).await.unwrap()
    }

    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(LIMIT, self.serving).await.unwrap().unwrap();
    }
}

fn unix(socket: &Path) -> AgentConfig {
    config(format!("unix:{}", socket.display()), workspace(1), socket.parent().unwrap())
}

/// Says something to the socket and reads all it answers.
async fn ask(socket: &Path, text: &str) -> String {
    let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn an_agent_dials_a_unix_socket_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let server = listen(&socket, workspace(1));
    let config = unix(&socket);
    let agent = agent(&config);
    tokio::spawn(async move { agent.run(&config).await });

    let client = server.client().await;

    assert_eq!(client.info().await.unwrap().protocol, wire::agent::PROTOCOL);
    server.stop().await;
    assert!(!socket.exists());
    tokio::time::timeout(LIMIT, client.closed()).await.unwrap();
}

#[tokio::test]
async fn a_folder_of_any_depth_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a".repeat(80)).join("b".repeat(80));
    std::fs::create_dir_all(&deep).unwrap();
    let server = listen(&deep.join("agent.sock"), workspace(1));
    // As seen from inside, where the folder is mounted, the path is short.
    let short = folder.path().join("run");
    std::os::unix::fs::symlink(&deep, &short).unwrap();
    let config = unix(&short.join("agent.sock"));
    let agent = agent(&config);
    tokio::spawn(async move { agent.run(&config).await });

    server.client().await.info().await.unwrap();
}

#[tokio::test]
async fn after_a_restart_of_the_server_the_agent_is_back_and_so_are_its_terminals() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let config = unix(&socket);
    let agent = agent(&config);
    // The agent is there before the server.
    tokio::spawn(async move { agent.run(&config).await });
    let mut server = listen(&socket, workspace(1));
    let client = server.client().await;
    let request = OpenTerminal { command: Some(vec!["/bin/cat".into()]), ..Default::default() };
    let terminal = client.open_terminal(&request).await.unwrap();

    for is_crash in [true, false, true] {
        if is_crash {
            // Nothing is tidied up: the socket stays, and nobody listens on it.
            server.serving.abort();
            assert!(server.serving.await.unwrap_err().is_cancelled());
            assert!(socket.exists());
            server.agents.remove(workspace(1));
        } else {
            server.stop().await;
        }
        server = listen(&socket, workspace(1));
        let begin = Instant::now();
        let client = server.client().await;
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert_eq!(client.terminals().await.unwrap()[0].id, terminal.id);
    }
}

#[tokio::test]
async fn a_server_that_ends_late_leaves_its_successors_socket_alone() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let older = listen(&socket, workspace(1));
    let newer = listen(&socket, workspace(1));

    older.stop().await;

    assert!(socket.exists());
    newer.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_wrong_credential_is_refused_before_anything_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let server = listen(&socket, workspace(1));
    let wrong = AgentConfig { token: "hearth_agent_wrong".into(), ..unix(&socket) };
    let stranger = config(format!("unix:{}", socket.display()), workspace(2), folder.path());

    let refused = dial(&wrong).await.err().unwrap();
    let elsewhere = dial(&stranger).await.err().unwrap();

    assert!(matches!(refused, DialError::Refused(401)), "{refused}");
    assert!(matches!(elsewhere, DialError::Refused(401)), "{elsewhere}");
    assert_eq!(server.door.asked.load(Ordering::Relaxed), 1, "the other workspace is not even asked about");
    assert!(server.agents.is_empty());
}

#[tokio::test]
async fn what_is_no_handshake_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let _server = listen(&socket, workspace(1));
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let id = workspace(1);
    let path = wire::agent::CONNECT_PATH;

    for (head, expected) in [
        ("GET / HTTP/1.1\r\n".into(), "404"),
        ("GET /kite HTTP/1.1\r\n".into(), "426"),
        (format!("GET {path} HTTP/1.1\r\n"), "426"),
        (format!("GET {path} HTTP/1.1\r\n{upgrade}"), "400"),
        (format!("GET {path} HTTP/1.1\r\n{upgrade}hearth-workspace: {id}\r\n"), "401"),
        (
            format!(
                "GET {path} HTTP/1.1\r\n{upgrade}hearth-workspace: {id}\r\nauthorization: Bearer t\r\nhearth-protocol: 9\r\n"
            ),
            "426",
        ),
    ] {
        let answer = ask(&socket, &format!("{head}Host: x\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{head}: {answer}");
    }
}

#[tokio::test]
async fn where_nobody_speaks_kite_its_path_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let (door, cancel) = (Arc::new(Door::default()), CancellationToken::new());
    tokio::spawn(listen_unix(&socket, workspace(1), Agents::new(), door, cancel).unwrap());

    let answer = ask(&socket, "GET /kite HTTP/1.1\r\nHost: x\r\n\r\n").await;

    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert_eq!(dial(&unix(&socket)).await.unwrap().protocol(), 1);
}

#[tokio::test]
async fn strangers_that_say_nothing_do_not_keep_the_agent_out_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let server = listen(&socket, workspace(1));
    let mut silent = vec![];
    for _ in 0..8 {
        silent.push(tokio::net::UnixStream::connect(&socket).await.unwrap());
    }
    let config = unix(&socket);
    let agent = agent(&config);
    tokio::spawn(async move { agent.run(&config).await });
    assert!(server.agents.is_empty());

    silent.truncate(7);

    server.client().await.info().await.unwrap();
}

#[tokio::test]
async fn addresses_that_make_no_sense_are_named() {
    for (server, is_expected) in [
        ("ftp://host", (|error| matches!(error, DialError::Address(_))) as fn(&DialError) -> bool),
        ("host", |error| matches!(error, DialError::Address(_))),
        ("unix:/nonexistent/agent.sock", |error| matches!(error, DialError::Connect { .. })),
        ("ws://127.0.0.1:1", |error| matches!(error, DialError::Connect { .. })),
    ] {
        let config = config(server.into(), workspace(1), Path::new("/"));
        let error = dial(&config).await.err().unwrap();
        assert!(is_expected(&error), "{server}: {error:?}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_pass_and_other_calls_go_on_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let server = listen(&socket, workspace(1));
    let config = unix(&socket);
    let agent = agent(&config);
    tokio::spawn(async move { agent.run(&config).await });
    let client = server.client().await;

    let request = ExecRequest {
        command: ["head", "-c", "100000000", "/dev/zero"].map(String::from).into(),
        ..ExecRequest::default()
    };
    let mut stream = client.exec_stream(&request).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut count = 0;
        while let Some(frame) = stream.next().await {
            count += frame.unwrap().payload.len();
        }
        count
    });
    let mut slowest = Duration::ZERO;
    while !reading.is_finished() {
        let begin = Instant::now();
        client.usage().await.unwrap();
        slowest = slowest.max(begin.elapsed());
    }

    // The exit frame counts as well.
    assert!(reading.await.unwrap() > 100_000_000);
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}
