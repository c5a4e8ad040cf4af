//! The client's end of SockJS polling: the end of a session, and how much waits in its queues.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::Uri;
use kite::client::{Dialer, Transports};
use kite::server::Settings;
use kite::transport::{BoxTransport, TransportError};
use testkit::wait_until;

use super::MIB;
use crate::server::stand::{LIMIT, Stand, serve_router};

async fn poll(url: &str, message_bytes: usize) -> BoxTransport {
    Dialer::new(url).unwrap().by(Transports::XhrPolling).connect(message_bytes).await.unwrap()
}

#[tokio::test]
async fn a_session_that_the_server_closes_has_ended_for_a_client_that_says_nothing() {
    let stand = Stand::start(Settings::default()).await;
    let mut transport = poll(&stand.url("/kite"), MIB).await;
    transport.send(String::from("once")).await.unwrap();
    assert_eq!(transport.next().await.unwrap().unwrap(), "once");

    transport.send(String::from("close")).await.unwrap();

    let end = tokio::time::timeout(LIMIT, transport.next()).await.unwrap();
    assert!(matches!(end, Some(Err(TransportError::Closed))), "{end:?}");
    assert!(transport.next().await.is_none());
}

#[tokio::test]
async fn a_message_above_the_limit_ends_the_session() {
    let stand = Stand::start(Settings::default()).await;
    let mut transport = poll(&stand.url("/kite"), 1000).await;
    transport.send("x".repeat(1000)).await.unwrap();
    assert_eq!(transport.next().await.unwrap().unwrap().len(), 1000);

    // Its frame is not yet above the limit of frames, which may have several messages.
    transport.send("x".repeat(1001)).await.unwrap();

    assert!(matches!(transport.next().await, Some(Err(TransportError::TooLarge(1000)))));
}

/// A server that takes a session and then answers `frame` to each poll and nothing to sends; counts the polls.
async fn a_server_of(frame: Option<String>) -> (String, Arc<AtomicUsize>) {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let router = Router::new().fallback(move |uri: Uri| {
        let (polls, frame) = (counted.clone(), frame.clone());
        async move {
            if uri.path().ends_with("/xhr_send") {
                return pending().await;
            }
            match (polls.fetch_add(1, Ordering::SeqCst), frame) {
                (0, _) => String::from("o\n"),
                (_, Some(frame)) => frame,
                (_, None) => pending().await,
            }
        }
    });
    (format!("http://{}", serve_router(router).await), polls)
}

#[tokio::test]
async fn long_messages_are_not_queued_without_end_for_a_server_that_takes_none() {
    let (url, _) = a_server_of(None).await;
    let mut transport = poll(&url, MIB).await;

    let mut taken = 0;
    while taken < 64 && transport.send("x".repeat(MIB)).now_or_never().is_some() {
        taken += 1;
        tokio::task::yield_now().await;
    }

    assert_eq!(taken, 1, "messages of 1 MiB");
}

#[tokio::test]
async fn long_messages_are_not_fetched_without_end_for_somebody_who_reads_none() {
    const LONG: usize = 100_000;
    let messages = vec!["x".repeat(LONG); 5];
    let (url, polls) = a_server_of(Some(format!("a{}\n", serde_json::json!(messages)))).await;
    let mut transport = poll(&url, 2 * LONG).await;
    wait_until(LIMIT, async || polls.load(Ordering::SeqCst) == 2).await;

    // Time enough to fetch more, if it did.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(polls.load(Ordering::SeqCst), 2);

    for read in 1..=50 {
        assert_eq!(transport.next().await.unwrap().unwrap().len(), LONG);
        // The greeting's poll, those whose messages were read, and one that waits.
        assert!(polls.load(Ordering::SeqCst) <= 1 + (read + 2) / 5 + 1);
    }
}
