//! SockJS streaming and event sources.

use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kite::server::Settings;
use testkit::wait_until;

use super::http::{Browser, post};
use super::stand::{LIMIT, Stand};

/// Reads until the text ends so.
async fn until(body: &mut Incoming, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let frame = body.frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn a_stream_has_a_prelude_and_then_frames_as_they_come() {
    let stand = Stand::start(Settings::default()).await;
    let mut browser = Browser::open(stand.address, None).await;

    let (status, headers, mut body) = browser.begin(Method::POST, "/kite/0/one/xhr_streaming", &[], "").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/javascript; charset=UTF-8");
    assert_eq!(until(&mut body, "o\n").await, format!("{}\no\n", "h".repeat(2048)));
    for text in ["x", "y"] {
        post(stand.address, "/kite/0/one/xhr_send", &format!("[\"{text}\"]")).await;
        assert_eq!(until(&mut body, "]\n").await, format!("a[\"{text}\"]\n"));
    }
    post(stand.address, "/kite/0/one/xhr_send", "[\"close\"]").await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), "c[3000,\"Go away!\"]\n");
}

#[tokio::test]
async fn a_stream_that_is_long_enough_ends_and_the_next_goes_on() {
    let stand = Stand::start(Settings { stream_bytes: 30_000, ..Settings::default() }).await;
    let mut browser = Browser::open(stand.address, None).await;
    let first = browser.begin(Method::POST, "/kite/0/one/xhr_streaming", &[], "").await;
    post(stand.address, "/kite/0/one/xhr_send", "[\"flood 10\",\"close\"]").await;

    let mut texts = vec![String::from_utf8(first.2.collect().await.unwrap().to_bytes().to_vec()).unwrap()];
    while !texts.iter().any(|text| text.ends_with("c[3000,\"Go away!\"]\n")) {
        texts.push(browser.request(Method::POST, "/kite/0/one/xhr_streaming", &[], "").await.body);
    }

    let all = texts.concat();
    assert!((0..10).all(|number| all.contains(&format!("\"{number} x"))));
    assert!(texts.len() >= 3, "{}", texts.len());
    assert!(texts.iter().all(|text| text.len() < 30_000 + 2049 + 11_000));
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_the_session() {
    let stand = Stand::start(Settings::default()).await;
    let mut browser = Browser::open(stand.address, None).await;
    let (.., mut body) = browser.begin(Method::POST, "/kite/0/one/xhr_streaming", &[], "").await;
    until(&mut body, "o\n").await;

    let second = post(stand.address, "/kite/0/one/xhr_streaming", "").await.body;
    assert!(second.ends_with("\nc[2010,\"Another connection still open\"]\n"));
    drop((body, browser));

    wait_until(LIMIT, async || {
        post(stand.address, "/kite/0/one/xhr", "").await.body == "c[1002,\"Connection interrupted\"]\n"
    })
    .await;
}

#[tokio::test]
async fn an_event_source_has_one_frame_an_event() {
    let stand = Stand::start(Settings::default()).await;
    let mut browser = Browser::open(stand.address, None).await;

    let (status, headers, mut body) = browser.begin(Method::GET, "/kite/0/one/eventsource", &[], "").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/event-stream; charset=UTF-8");
    assert_eq!(until(&mut body, "o\r\n\r\n").await, "\r\ndata: o\r\n\r\n");
    post(stand.address, "/kite/0/one/xhr_send", "[\"x\\ny\"]").await;
    assert_eq!(until(&mut body, "\r\n\r\n").await, "data: a[\"x\\ny\"]\r\n\r\n");
}

#[tokio::test]
async fn a_stream_that_is_not_read_makes_the_service_wait_and_is_cut_off() {
    let settings = Settings {
        write_timeout: Duration::from_millis(300),
        disconnect_delay: Duration::from_millis(100),
        outbox_bytes: 50_000,
        stream_bytes: usize::MAX,
        ..Settings::default()
    };
    let stand = Stand::start(settings).await;
    let mut browser = Browser::open(stand.address, None).await;
    let (.., body) = browser.begin(Method::POST, "/kite/0/one/xhr_streaming", &[], "").await;

    // 100 MB: more than the kernel holds for a connection.
    post(stand.address, "/kite/0/one/xhr_send", "[\"flood 10000\"]").await;

    wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;
    drop(body);
}
