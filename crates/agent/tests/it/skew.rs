//! One release of difference between server and agent, and what the agent says of itself.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use wire::agent::AgentConfig;

use crate::bench::{LIMIT, bench, config, connect, outside, shell, until};

/// A call as another release would make it: status and body.
async fn call(bench: &crate::bench::Bench, method: &str, path: &str, body: &str) -> (u16, String) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let agent = bench.agent.clone();
    tokio::spawn(async move { agent.serve(far).await });
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://agent{path}"))
        .body(Full::new(bytes::Bytes::from(body.to_owned())))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_agent_says_who_it_is() {
    let bench = bench().await;

    let info = bench.client.info().await.unwrap();

    assert_eq!((&*info.version, info.protocol), (env!("CARGO_PKG_VERSION"), wire::agent::PROTOCOL));
    assert!(info.platform.starts_with("linux/"));
}

#[tokio::test]
async fn fields_of_a_newer_server_are_left_aside() {
    let bench = bench().await;

    let body = r#"{"command":["echo","hi"],"priority":"high","limits":{"cpu":1}}"#;
    let (status, answer) = call(&bench, "POST", "/v1/exec", body).await;

    assert_eq!(status, 200);
    assert!(answer.contains(r#""stdout":"hi\n""#), "{answer}");
}

#[tokio::test]
async fn fields_an_older_server_does_not_send_have_defaults() {
    let bench = bench().await;

    let (status, answer) = call(&bench, "POST", "/v1/terminals", "{}").await;

    assert_eq!(status, 200);
    assert!(answer.contains(r#""columns":80,"rows":24"#), "{answer}");
    let config: AgentConfig =
        serde_json::from_str(r#"{"workspace":"w","server":"unix:/s","token":"t","folder":"/","newer":1}"#)
            .unwrap();
    assert!(config.env.is_empty());
}

#[tokio::test]
async fn calls_of_a_newer_server_are_answered_not_found() {
    let bench = bench().await;

    for (method, path) in [("POST", "/v1/teleport"), ("GET", "/v2/info"), ("DELETE", "/v1/info")] {
        let (status, answer) = call(&bench, method, path, "").await;
        let problem: wire::agent::AgentProblem = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &*problem.code), (404, "not_found"), "{method} {path}");
        assert!(!problem.mend.is_empty());
    }
}

#[tokio::test]
async fn nonsense_is_refused_and_named() {
    let bench = bench().await;

    let (status, answer) = call(&bench, "POST", "/v1/exec", "not json").await;

    assert_eq!(status, 400);
    assert!(answer.contains("cannot read the request"), "{answer}");
}

#[tokio::test]
async fn work_shows_as_activity_and_looking_on_does_not() {
    let bench = bench().await;
    assert_eq!(bench.client.usage().await.unwrap().last_activity_at, None);
    bench.client.info().await.unwrap();
    bench.client.terminals().await.unwrap();
    assert_eq!(bench.client.usage().await.unwrap().last_activity_at, None);

    bench.client.exec(&shell("true")).await.unwrap();

    let usage = bench.client.usage().await.unwrap();
    assert!(usage.last_activity_at.is_some());
    assert!(usage.disk_total_bytes > usage.disk_free_bytes && usage.disk_free_bytes > 0);
    assert!(usage.processes > 0);
}

#[tokio::test]
async fn a_shutdown_hangs_everything_up_and_ends_the_agent() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("workspace")).unwrap();
    let agent = agent::Agent::new(&config(root.path()), outside());
    let client = connect(&agent).await;
    let request = wire::agent::OpenTerminal {
        command: Some(vec!["/bin/sh".into(), "-c".into(), "echo $$ > pid; sleep 1000".into()]),
        ..Default::default()
    };
    client.open_terminal(&request).await.unwrap();
    let pid = root.path().join("workspace/pid");
    until("it runs", || async { std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) }).await;

    client.shutdown().await.unwrap();

    assert!(agent.is_stopping());
    let pid = std::fs::read_to_string(&pid).unwrap();
    assert!(!crate::bench::is_alive(&pid));
    tokio::time::timeout(LIMIT, client.closed()).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_says_nothing_sensible_is_dropped() {
    let bench = bench().await;
    let (near, far) = UnixStream::pair().unwrap();
    for end in [&near, &far] {
        end.set_nonblocking(true).unwrap();
    }
    let agent = bench.agent.clone();
    let serving =
        tokio::spawn(async move { agent.serve(tokio::net::UnixStream::from_std(far).unwrap()).await });

    let mut near = tokio::net::UnixStream::from_std(near).unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut near, b"GET / HTTP/1.1\r\n\r\n this is not it").await.unwrap();

    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}
