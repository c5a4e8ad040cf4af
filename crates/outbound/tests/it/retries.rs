//! What may be repeated is, a few times; what may not is not.

use std::time::{Duration, Instant};

use outbound::{Client, Policy};

use crate::server::{Server, ok, status};

#[tokio::test]
async fn an_overloaded_server_is_asked_again() {
    let server =
        Server::start([status("503 Service Unavailable"), status("502 Bad Gateway"), ok("now")]).await;

    let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

    assert_eq!(response.bytes().await.unwrap(), "now");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_made_again() {
    let server = Server::start([String::new(), ok("now")]).await;

    let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await;

    // The client below may have repeated it by itself; either way there is an answer.
    assert_eq!(response.unwrap().bytes().await.unwrap(), "now");
}

#[tokio::test]
async fn the_last_answer_is_given_as_it_is() {
    let server = Server::start([status("503 Service Unavailable")]).await;

    let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

    assert_eq!(response.status(), 503);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn something_sent_is_never_sent_twice() {
    let server = Server::start([status("503 Service Unavailable")]).await;

    let response = Client::new(Policy::with_loopback()).post(server.url("/")).body("x").send().await.unwrap();

    assert_eq!(response.status(), 503);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn other_answers_are_not_asked_for_again() {
    for answer in ["404 Not Found", "401 Unauthorized", "500 Internal Server Error"] {
        let server = Server::start([status(answer)]).await;

        Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

        assert_eq!(server.requests().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_wants_a_long_pause_is_left_to_the_caller() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::start([busy.into()]).await;

    let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

    assert_eq!(response.status(), 429);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_wants_a_short_pause_gets_it() {
    let busy =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::start([busy.into(), ok("now")]).await;
    let before = Instant::now();

    Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

    assert!(before.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn pauses_grow_and_differ_but_have_an_end() {
    let client = Client::new(Policy::public_only());

    for tried in 0..100 {
        let pause = client.pause(tried);
        assert!((Duration::from_millis(200)..=Duration::from_millis(12_800)).contains(&pause), "{pause:?}");
    }
    let several: std::collections::HashSet<Duration> = (0..20).map(|_| client.pause(1)).collect();
    assert!(several.len() > 1);
}
