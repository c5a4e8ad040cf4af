//! A session's two sides, on a paused clock.

use futures_util::{SinkExt, StreamExt};

use super::*;

const HEARTBEAT: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(30);
const DELAY: Duration = Duration::from_secs(10);

fn a_session(inbox_bytes: usize, outbox_bytes: usize) -> (Arc<Session>, SessionTransport) {
    let session = Session::new(&Settings { inbox_bytes, outbox_bytes, ..Settings::default() });
    let transport = session.transport();
    (session, transport)
}

async fn next(session: &Arc<Session>) -> String {
    let mut receiver = session.attach().unwrap();
    let taken = receiver.next(1000, HEARTBEAT).await;
    receiver.settle();
    taken.text
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn frames_come_in_the_order_of_the_protocol() {
    let (session, mut transport) = a_session(1000, 1000);
    transport.send(String::from("a")).await.unwrap();
    transport.send(String::from("b")).await.unwrap();

    assert_eq!(next(&session).await, "o");
    assert_eq!(next(&session).await, r#"a["a","b"]"#);
    assert_eq!(next(&session).await, "h");

    transport.send(String::from("last")).await.unwrap();
    drop(transport);
    assert_eq!(next(&session).await, r#"a["last"]"#);
    assert_eq!(next(&session).await, r#"c[3000,"Go away!"]"#);
    assert_eq!(next(&session).await, r#"c[3000,"Go away!"]"#);
}

#[tokio::test(start_paused = true)]
async fn messages_reach_the_service_in_order() {
    let (session, mut transport) = a_session(1000, 1000);

    session.push(texts(&["1", "2"]), PATIENCE).await.unwrap();
    session.push(texts(&["3"]), PATIENCE).await.unwrap();

    for expected in ["1", "2", "3"] {
        assert_eq!(transport.next().await.unwrap().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sends_wait_for_a_service_that_does_not_read_and_go_on_when_it_does() {
    let (session, mut transport) = a_session(10, 1000);
    let (first, second) = (session.clone(), session.clone());
    let first = tokio::spawn(async move { first.push(texts(&["aaaaaaaa", "bbbbbbbb"]), PATIENCE).await });
    tokio::task::yield_now().await;
    let second = tokio::spawn(async move { second.push(texts(&["cccccccc"]), PATIENCE).await });
    tokio::task::yield_now().await;
    assert!(!first.is_finished() && !second.is_finished());

    for expected in ["aaaaaaaa", "bbbbbbbb", "cccccccc"] {
        assert_eq!(transport.next().await.unwrap().unwrap(), expected);
    }

    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(second.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_send_gives_up_on_a_service_that_never_reads() {
    let (session, _transport) = a_session(10, 1000);

    assert_eq!(session.push(texts(&["aaaaaaaa", "bbbbbbbb"]), PATIENCE).await, Err(NotTaken::Late));
}

#[tokio::test(start_paused = true)]
async fn the_service_waits_for_a_client_that_does_not_fetch() {
    let (session, mut transport) = a_session(1000, 10);
    assert_eq!(next(&session).await, "o");

    transport.send("x".repeat(20)).await.unwrap();
    let mut second = tokio::spawn(async move { transport.send(String::from("y")).await.map(|()| transport) });
    assert!(tokio::time::timeout(Duration::from_secs(5), &mut second).await.is_err());

    assert_eq!(next(&session).await, format!(r#"a["{}"]"#, "x".repeat(20)));
    second.await.unwrap().unwrap();
    assert_eq!(next(&session).await, r#"a["y"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_second_receiver_is_turned_away_and_the_first_stays() {
    let (session, mut transport) = a_session(1000, 1000);
    assert_eq!(next(&session).await, "o");
    let mut first = session.attach().unwrap();

    assert_eq!(session.attach().err(), Some(Close::ANOTHER_CONNECTION));
    transport.send(String::from("x")).await.unwrap();

    assert_eq!(first.next(1000, HEARTBEAT).await.text, r#"a["x"]"#);
    first.settle();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_leaves_before_it_got_anything_loses_nothing() {
    let (session, mut transport) = a_session(1000, 1000);
    assert_eq!(next(&session).await, "o");

    let mut idle = session.attach().unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(1), idle.next(1000, HEARTBEAT)).await.is_err());
    drop(idle);
    transport.send(String::from("x")).await.unwrap();

    assert_eq!(next(&session).await, r#"a["x"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_leaves_with_a_frame_ends_the_session() {
    let (session, mut transport) = a_session(1000, 1000);

    drop({
        let mut receiver = session.attach().unwrap();
        receiver.next(1000, HEARTBEAT).await;
        receiver
    });

    assert!(transport.next().await.is_none());
    assert!(transport.send(String::from("x")).await.is_err());
    assert_eq!(next(&session).await, r#"c[1002,"Connection interrupted"]"#);
    assert_eq!(session.push(texts(&["x"]), PATIENCE).await, Err(NotTaken::Over));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_abandoned_when_nobody_came_for_the_delay() {
    let (session, _transport) = a_session(1000, 1000);
    let begun = Instant::now();

    session.abandoned(DELAY, PATIENCE).await;
    assert_eq!(begun.elapsed(), DELAY);

    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.abandoned(DELAY, PATIENCE).await }
    });
    let mut polled = session.attach().unwrap();
    assert_eq!(polled.next(1000, HEARTBEAT).await.text, "o");
    assert_eq!(polled.next(1000, HEARTBEAT).await.text, "h");
    polled.settle();
    drop(polled);
    let left = Instant::now();
    waiting.await.unwrap();
    assert_eq!(left.elapsed(), DELAY);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_nothing_of_what_waits_abandons_the_session() {
    let (session, mut transport) = a_session(1000, 1000);
    let _stuck = session.attach().unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    transport.send(String::from("x")).await.unwrap();
    let begun = Instant::now();

    session.abandoned(DELAY, PATIENCE).await;

    assert_eq!(begun.elapsed(), PATIENCE);
}
