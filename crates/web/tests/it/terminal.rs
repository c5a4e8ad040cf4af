//! Terminals: the bridge between a browser and the agent loses and doubles nothing.

use std::time::Duration;

use control::UserChange;
use domain::WorkspaceId;
use http::Method;
use serde_json::{Value, json};
use testkit::wait_until;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;

use crate::app::{LIMIT, Person, TestApp};
use crate::sockets::Socket;

/// Opens a terminal that runs `script` without a line discipline in the way; answers its path.
async fn open(app: &TestApp, person: &Person, id: WorkspaceId, script: &str) -> String {
    let path = format!("/api/v1/workspaces/{id}/terminals");
    let body = json!({"command": ["sh", "-c", format!("stty raw -echo; {script}")], "title": "test"});
    let opened = app.post(&path, &body).session(&person.session).send().await.expect(201).json();
    format!("{path}/{}", opened["id"])
}

/// A viewer that counts what it has shown.
struct Viewer {
    socket: Socket,
    shown: Vec<u8>,
    sequence: u64,
    acknowledged: u64,
}

impl Viewer {
    async fn attach(app: &TestApp, path: &str, since: Option<u64>) -> Self {
        let query = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let mut socket = Socket::open(app, &app.admin, &format!("{path}{query}")).await;
        let hello = socket.control().await;
        assert_eq!(hello["type"], "hello");
        let sequence = hello["sequence"].as_u64().unwrap();
        Self { socket, shown: Vec::new(), sequence, acknowledged: sequence }
    }

    /// Waits for the script's first word, and forgets it.
    async fn wait_until_ready(&mut self) {
        while !self.shown.ends_with(b"ready\n") {
            self.show().await;
        }
        self.shown.clear();
    }

    /// Shows the next output and acknowledges now and then; the exit code once there is no more.
    async fn show(&mut self) -> Option<Value> {
        match self.socket.next().await {
            Some(Message::Binary(bytes)) => {
                self.shown.extend_from_slice(&bytes);
                self.sequence += bytes.len() as u64;
                if self.sequence - self.acknowledged > 128 << 10 {
                    self.acknowledged = self.sequence;
                    let ack = json!({"type": "ack", "sequence": self.sequence});
                    self.socket.send(ack.to_string()).await;
                }
                None
            }
            Some(Message::Text(text)) => Some(serde_json::from_str(&text).unwrap()),
            other => panic!("{other:?} after {} bytes", self.shown.len()),
        }
    }
}

fn numbers(last: u32) -> Vec<u8> {
    (1..=last).flat_map(|number| format!("{number}\n").into_bytes()).collect()
}

#[tokio::test]
async fn a_viewer_sees_every_byte_in_order() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "echo ready; read go; seq 1 400000").await;
    let mut viewer = Viewer::attach(&app, &path, Some(0)).await;
    viewer.wait_until_ready().await;
    // More than is kept: without the viewer's acknowledgements some of it would be lost.
    viewer.socket.send(Message::Binary(b"\n".to_vec().into())).await;

    let exit = loop {
        if let Some(exit) = viewer.show().await {
            break exit;
        }
    };

    assert!(viewer.shown == numbers(400_000), "{} bytes", viewer.shown.len());
    assert_eq!(exit, json!({"type": "exit", "exit_code": 0}));
    assert_eq!(viewer.socket.close_code().await, 1000);
}

#[tokio::test]
async fn a_slow_viewer_and_lost_connections_cost_no_byte_and_double_none() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "seq 1 300000; sleep 60").await;
    let expected = numbers(300_000);
    let (mut shown, mut connections) = (Vec::new(), 0);

    while shown.len() < expected.len() {
        let mut viewer = Viewer::attach(&app, &path, Some(shown.len() as u64)).await;
        connections += 1;
        assert_eq!(viewer.sequence, shown.len() as u64, "the gap is sent, and nothing else");
        // Each connection is torn down in the midst of output.
        while viewer.shown.len() < 300_000 && shown.len() + viewer.shown.len() < expected.len() {
            viewer.show().await;
            sleep(Duration::from_micros(200)).await;
        }
        shown.append(&mut viewer.shown);
    }

    assert!(shown == expected, "{} of {} bytes", shown.len(), expected.len());
    assert!(connections > 3);
}

#[tokio::test]
async fn typed_bytes_arrive_as_they_are() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "echo ready; cat").await;
    let mut viewer = Viewer::attach(&app, &path, Some(0)).await;
    viewer.wait_until_ready().await;
    let typed: Vec<u8> = (0..=255u8).cycle().take(256 << 10).collect();

    for chunk in typed.chunks(32 << 10) {
        viewer.socket.send(Message::Binary(chunk.to_vec().into())).await;
        let before = viewer.shown.len();
        while viewer.shown.len() < before + chunk.len() {
            viewer.show().await;
        }
    }

    assert!(viewer.shown == typed);
}

#[tokio::test]
async fn a_flood_does_not_keep_typed_keys_away() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "stty isig; yes").await;
    let mut viewer = Viewer::attach(&app, &path, Some(0)).await;
    while viewer.shown.len() < 1 << 20 {
        viewer.show().await;
    }

    // Ctrl-C.
    viewer.socket.send(Message::Binary(vec![3].into())).await;
    let started = Instant::now();
    let exit = loop {
        if let Some(exit) = viewer.show().await {
            break exit;
        }
        assert!(started.elapsed() < LIMIT);
    };

    assert_eq!(exit["type"], "exit");
}

#[tokio::test]
async fn a_new_size_reaches_the_terminal() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "echo ready; read line; stty size").await;
    let mut viewer = Viewer::attach(&app, &path, Some(0)).await;
    viewer.wait_until_ready().await;

    viewer.socket.send(json!({"type": "resize", "columns": 123, "rows": 45}).to_string()).await;
    viewer.socket.send(Message::Binary(b"\n".to_vec().into())).await;
    while viewer.show().await.is_none() {}

    let shown = String::from_utf8(viewer.shown).unwrap();
    assert!(shown.contains("45 123"), "{shown:?}");
}

#[tokio::test]
async fn a_message_that_makes_no_sense_closes_the_socket_and_not_the_terminal() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "sleep 60").await;

    for nonsense in [
        "{",
        "{}",
        "{\"type\":\"exit\",\"exit_code\":0}",
        "{\"type\":\"hello\",\"sequence\":0,\"reset\":true}",
    ] {
        let mut viewer = Viewer::attach(&app, &path, None).await;
        viewer.socket.send(nonsense).await;
        assert_eq!(viewer.socket.close_code().await, 4400, "{nonsense}");
    }

    let list =
        app.get(path.rsplit_once('/').unwrap().0).session(&app.admin.session).send().await.expect(200).json();
    assert_eq!(list["items"][0]["exit_code"], Value::Null);
}

#[tokio::test]
async fn a_terminal_that_is_not_there_is_not_attached_to() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = format!("/api/v1/workspaces/{id}/terminals/4711");

    assert_eq!(Socket::try_open(&app, &app.admin, &path).await.err(), Some(404));
    app.call(Method::DELETE, &path).session(&app.admin.session).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn somebody_suspended_loses_terminals_commands_and_events_within_a_second() {
    let app = TestApp::start().await;
    let member = app.member("ada").await;
    let id = app.running_workspace(&member).await;
    let path = open(&app, &member, id, "while :; do echo on; sleep 0.01; done").await;
    let mut terminal = Socket::open(&app, &member, &path).await;
    let mut command = Socket::open(&app, &member, &format!("/api/v1/workspaces/{id}/exec")).await;
    command.send(json!({"command": ["sleep", "60"]}).to_string()).await;
    let events = app.get("/api/v1/events").session(&member.session).open().await;
    terminal.control().await;

    let change = UserChange { suspended: Some(true), ..UserChange::default() };
    app.control.update_user(&app.admin.caller, member.caller.user, change).await.unwrap();
    let suspended = Instant::now();
    let codes = (terminal.close_code().await, command.close_code().await);
    let ended = tokio::time::timeout(LIMIT, http_body_util::BodyExt::collect(events.into_body())).await;

    assert_eq!(codes, (4401, 4401));
    assert!(ended.is_ok_and(|body| body.is_ok()), "the stream of events ends");
    assert!(suspended.elapsed() < Duration::from_secs(1), "{:?}", suspended.elapsed());
}

#[tokio::test]
async fn somebody_suspended_gets_no_more_of_a_file_and_no_answer_of_a_command() {
    let app = TestApp::start().await;
    let member = app.member("ada").await;
    let id = app.running_workspace(&member).await;
    let file = app.driver.folder_of(id).join("large");
    // Far more than all buffers on the way hold.
    std::fs::File::create(&file).unwrap().set_len(1 << 30).unwrap();
    let path = format!("/api/v1/workspaces/{id}/files{}", file.display());
    let download = app.get(&path).session(&member.session).open().await;
    let body = json!({"command": ["sh", "-c", "touch running; sleep 60"]});
    let command = app.post(&format!("/api/v1/workspaces/{id}/exec"), &body).session(&member.session).send();
    let command = tokio::spawn(command);
    wait_until(LIMIT, async || app.driver.folder_of(id).join("running").exists()).await;

    let change = UserChange { suspended: Some(true), ..UserChange::default() };
    app.control.update_user(&app.admin.caller, member.caller.user, change).await.unwrap();
    let rest = http_body_util::BodyExt::collect(download.into_body()).await;
    let answer = command.await.unwrap();

    assert!(rest.is_err(), "the download breaks off");
    answer.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_server_that_stops_tells_its_viewers_to_come_back() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = open(&app, &app.admin, id, "sleep 60").await;
    let mut viewer = Viewer::attach(&app, &path, None).await;

    app.stop.cancel();

    assert!(matches!(viewer.socket.close_code().await, 1012 | 4502));
}
