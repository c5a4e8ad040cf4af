//! Commands: buffered, and over a socket.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::app::TestApp;
use crate::sockets::Socket;

async fn socket(app: &TestApp) -> Socket {
    let id = app.running_workspace(&app.admin).await;
    Socket::open(app, &app.admin, &format!("/api/v1/workspaces/{id}/exec")).await
}

/// Reads to the end: what was printed on both outputs, and the exit.
async fn finish(socket: &mut Socket) -> (Vec<u8>, Vec<u8>, Value) {
    let (mut output, mut error_output) = (Vec::new(), Vec::new());
    loop {
        match socket.next().await {
            Some(Message::Binary(bytes)) if bytes[0] == 1 => output.extend_from_slice(&bytes[1..]),
            Some(Message::Binary(bytes)) if bytes[0] == 2 => error_output.extend_from_slice(&bytes[1..]),
            Some(Message::Text(text)) => {
                let exit = serde_json::from_str(&text).unwrap();
                assert_eq!(socket.close_code().await, 1000);
                return (output, error_output, exit);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_command_answers_with_both_outputs_and_its_code() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let body = json!({"command": ["sh", "-c", "cat; echo bad >&2; exit 3"], "stdin": "good"});

    let answer =
        app.post(&format!("/api/v1/workspaces/{id}/exec"), &body).session(&app.admin.session).send().await;

    let result = answer.expect(200).json();
    assert_eq!(result["stdout"], "good");
    assert_eq!(result["stderr"], "bad\n");
    assert_eq!(result["exit_code"], 3);
}

#[tokio::test]
async fn a_command_in_a_stopped_workspace_is_refused_with_the_mend() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    app.control.stop_workspace(&app.admin.caller, id).await.unwrap();
    let path = format!("/api/v1/workspaces/{id}/exec");

    let answer = app.post(&path, &json!({"command": ["true"]})).session(&app.admin.session).send().await;

    answer.problem(409, "not_running");
    assert_eq!(Socket::try_open(&app, &app.admin, &path).await.err(), Some(409));
}

#[tokio::test]
async fn a_streamed_command_gets_its_input_and_gives_every_byte() {
    let app = TestApp::start().await;
    let mut socket = socket(&app).await;
    let sent: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).take(6_000_000).collect();

    socket.send(json!({"command": ["sh", "-c", "echo bad >&2; cat; exit 7"]}).to_string()).await;
    let (mut writing, reading) = (sent.chunks(200_000), &mut socket);
    // Written in the same task as it is read: the pipe holds less than this, so both must move.
    let mut output = Vec::new();
    let mut error_output = Vec::new();
    let exit = loop {
        if let Some(chunk) = writing.next() {
            reading.send(Message::Binary(chunk.to_vec().into())).await;
            if writing.len() == 0 {
                reading.send(json!({"type": "eof"}).to_string()).await;
            }
        }
        match reading.next().await {
            Some(Message::Binary(bytes)) if bytes[0] == 1 => output.extend_from_slice(&bytes[1..]),
            Some(Message::Binary(bytes)) => error_output.extend_from_slice(&bytes[1..]),
            Some(Message::Text(text)) => break serde_json::from_str::<Value>(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    };

    assert!(output == sent, "{} of {} bytes", output.len(), sent.len());
    assert_eq!(error_output, b"bad\n");
    assert_eq!(exit["exit_code"], 7);
}

#[tokio::test]
async fn a_signal_reaches_a_streamed_command() {
    let app = TestApp::start().await;
    let mut socket = socket(&app).await;
    let script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";

    socket.send(json!({"command": ["sh", "-c", script]}).to_string()).await;
    assert!(matches!(socket.next().await, Some(Message::Binary(bytes)) if &bytes[1..] == b"ready\n"));
    socket.send(json!({"type": "signal", "name": "TERM"}).to_string()).await;
    let (output, _, exit) = finish(&mut socket).await;

    assert_eq!(output, b"caught\n");
    assert_eq!(exit["exit_code"], 5);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let app = TestApp::start().await;
    let mut missing = socket(&app).await;
    let mut nonsense = socket(&app).await;

    missing.send(json!({"command": []}).to_string()).await;
    nonsense.send("{}").await;
    let ((_, _, missing), (_, _, nonsense)) = (finish(&mut missing).await, finish(&mut nonsense).await);

    assert!(missing["problem"].as_str().is_some_and(|text| !text.is_empty()), "{missing}");
    assert!(nonsense["problem"].as_str().unwrap().contains("command"), "{nonsense}");
}

#[tokio::test]
async fn a_first_message_that_is_not_text_closes_the_socket() {
    let app = TestApp::start().await;
    let mut socket = socket(&app).await;

    socket.send(Message::Binary(vec![1].into())).await;

    assert_eq!(socket.close_code().await, 4400);
}
