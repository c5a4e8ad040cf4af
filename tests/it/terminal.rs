//! Terminals over the public WebSocket.

use std::time::Duration;

use blackbox::server::Server;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<UnixStream>;

async fn attach(server: &Server, workspace: &str, terminal: &str, since: u64) -> Option<Socket> {
    let stream = UnixStream::connect(server.socket()).await.ok()?;
    let url = format!("ws://hearth.local/api/v1/workspaces/{workspace}/terminals/{terminal}?since={since}");
    Some(client_async(url, stream).await.ok()?.0)
}

fn open_terminal(server: &Server, workspace: &str) -> String {
    // The command line has no terminals yet; the API is asked through its own socket.
    let output = std::process::Command::new("curl")
        .args([
            "-sS",
            "--unix-socket",
            server.socket().to_str().unwrap(),
            "-H",
            "content-type: application/json",
        ])
        .args(["-d", r#"{"columns":80,"rows":24,"command":["/bin/sh"]}"#])
        .arg(format!("http://hearth.local/api/v1/workspaces/{workspace}/terminals"))
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).expect("a terminal");
    answer["id"].to_string().trim_matches('"').to_owned()
}

#[tokio::test]
async fn a_terminal_that_prints_numbers_across_a_server_restart_shows_every_number_once() {
    let repository = testkit::git::Repository::sample();
    let git = testkit::git::serve(repository.parent());
    let mut server = Server::start();
    let workspace =
        server.json(&["start", &format!("{}/sample.git", git.url)])["id"].as_str().unwrap().to_owned();
    let terminal = open_terminal(&server, &workspace);
    let mut socket = attach(&server, &workspace, &terminal, 0).await.expect("attached");
    let script =
        "stty -echo; i=0; while [ $i -lt 400 ]; do echo n$i; i=$((i+1)); sleep 0.01; done; echo finished\n";
    socket.send(Message::binary(script.as_bytes().to_vec())).await.unwrap();

    let mut shown = vec![];
    let mut sequence = 0u64;
    let mut restarts = 0;
    while !String::from_utf8_lossy(&shown).contains("\nfinished") {
        match tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("output goes on") {
            Some(Ok(Message::Binary(bytes))) => {
                sequence += bytes.len() as u64;
                shown.extend_from_slice(&bytes);
                let ack = json!({"type": "ack", "sequence": sequence}).to_string();
                drop(socket.send(Message::text(ack)).await);
            }
            Some(Ok(Message::Text(text))) => {
                let control: Value = serde_json::from_str(&text).unwrap();
                if control["type"] == "hello" {
                    assert_eq!(control["reset"], false, "nothing was lost: {control}");
                    assert_eq!(control["sequence"], sequence);
                }
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => socket = reattach(&server, &workspace, &terminal, sequence).await,
        }
        if shown.len() > 600 * (restarts + 1) && restarts < 2 {
            restarts += 1;
            if restarts == 1 {
                server.kill();
            } else {
                server.stop();
            }
            server.run();
        }
    }

    let text = String::from_utf8_lossy(&shown);
    let numbers: Vec<u32> =
        text.lines().filter_map(|line| line.trim().strip_prefix('n')?.parse().ok()).collect();
    assert_eq!(numbers, (0..400).collect::<Vec<_>>());
    assert_eq!(restarts, 2);
}

async fn reattach(server: &Server, workspace: &str, terminal: &str, since: u64) -> Socket {
    let limit = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(socket) = attach(server, workspace, terminal, since).await {
            return socket;
        }
        assert!(tokio::time::Instant::now() < limit, "the terminal did not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn ctrl_c_ends_a_flood() {
    let repository = testkit::git::Repository::sample();
    let git = testkit::git::serve(repository.parent());
    let server = Server::start();
    let workspace =
        server.json(&["start", &format!("{}/sample.git", git.url)])["id"].as_str().unwrap().to_owned();
    let terminal = open_terminal(&server, &workspace);
    let mut socket = attach(&server, &workspace, &terminal, 0).await.expect("attached");

    socket.send(Message::binary(b"yes\n".to_vec())).await.unwrap();
    let mut received = 0u64;
    let mut tail = vec![];
    let mut interrupted = false;
    loop {
        let message = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("output");
        let Some(Ok(message)) = message else { panic!("the terminal ended") };
        if let Message::Binary(bytes) = message {
            received += bytes.len() as u64;
            tail.extend_from_slice(&bytes);
            let cut = tail.len().saturating_sub(200);
            tail.drain(..cut);
            let ack = json!({"type": "ack", "sequence": received}).to_string();
            socket.send(Message::text(ack)).await.unwrap();
            if received > 1 << 20 && !interrupted {
                interrupted = true;
                socket.send(Message::binary(b"\x03".to_vec())).await.unwrap();
                socket.send(Message::binary(b"echo al''ive\n".to_vec())).await.unwrap();
            }
            if String::from_utf8_lossy(&tail).contains("alive") {
                break;
            }
        }
    }
}
