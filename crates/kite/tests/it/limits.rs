//! What a connection may hold of answers and of invocations, and what becomes of one that holds too much.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use kite::transport::pair;
use kite::{Callback, Context, Functions, Limits, MethodOptions, Service, error::kind};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::ends::{a_kite, a_service, connect, soon, until};

const A_WHILE: Duration = Duration::from_millis(300);

fn open() -> MethodOptions {
    MethodOptions::new().open()
}

fn a_call(method: &str) -> String {
    format!(
        r#"{{"method":"{method}","arguments":[{{"responseCallback":"[Function]"}}],"callbacks":{{"0":[0,"responseCallback"]}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn answers_of_calls_that_run_are_made_only_as_they_are_taken() {
    let (begun, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let go = Arc::new(Notify::new());
    let method = {
        let (begun, made, go) = (begun.clone(), made.clone(), go.clone());
        move |_| {
            let (begun, made, go) = (begun.clone(), made.clone(), go.clone());
            async move {
                begun.fetch_add(1, Ordering::Relaxed);
                go.notified().await;
                made.fetch_add(1, Ordering::Relaxed);
                Ok("x".repeat(1000))
            }
        }
    };
    let limits = Limits { queue_bytes: 10_000, ..Limits::default() };
    let server = a_service().limits(limits).method_with("big", open(), method).build();
    let (near, mut far) = pair(4);
    let (_peer, connection) = server.serve(near, Context::default());
    tokio::spawn(connection);
    for _ in 0..100 {
        soon(far.send(a_call("big"))).await.unwrap();
    }
    until(|| begun.load(Ordering::Relaxed) == 100).await;

    go.notify_waiters();
    tokio::time::sleep(A_WHILE).await;

    let ahead = made.load(Ordering::Relaxed);
    assert!((10..40).contains(&ahead), "{ahead} answers wait for somebody who reads none");
    for _ in 0..100 {
        soon(far.next()).await.unwrap().unwrap();
    }
    assert_eq!(made.load(Ordering::Relaxed), 100);
}

#[tokio::test(start_paused = true)]
async fn invocations_of_all_groups_together_are_bounded() {
    let limits = Limits { pending_memory: 100_000, queue_bytes: 1000, ..Limits::default() };
    let (keep, mut kept) = mpsc::unbounded_channel();
    let subscribe = move |request: kite::Request| {
        let keep = keep.clone();
        async move { keep.send(request.arg::<Callback>()?).map_err(|_| kite::Error::generic("gone")) }
    };
    let server = a_service().limits(limits.clone()).method_with("subscribe", open(), subscribe).build();
    let client = Service::builder(a_kite("cli")).limits(limits).build();
    let (client, _) = connect(&client, &server);
    let groups: Vec<Functions> = (0..50).map(|_| Functions::new()).collect();
    let mut callbacks = Vec::new();
    for group in &groups {
        client.call::<()>("subscribe", group.add(|_| pending())).await.unwrap();
        callbacks.push(kept.recv().await.unwrap());
    }

    let text = "x".repeat(900);
    let mut sent = 0;
    while timeout(A_WHILE, callbacks[sent % 50].call(&text)).await.is_ok() {
        sent += 1;
        assert!(sent < 1000, "nothing holds whoever invokes back");
    }

    assert!(sent > 50, "{sent}");
    drop(groups);
    for number in 0..500 {
        soon(callbacks[number % 50].call(&text)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_its_limits_keep_from_reading_is_given_up() {
    let server = a_service()
        .limits(Limits { pending_calls: 2, ..Limits::default() })
        .method_with("wait", open(), |_| async {
            pending::<()>().await;
            Ok(())
        })
        .build();
    let (near, mut far) = pair(4);
    let (peer, connection) = server.serve(near, Context::default());
    tokio::spawn(connection);
    soon(far.send(a_call("wait"))).await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(!peer.is_closed(), "one call may take its time");
    soon(far.send(a_call("wait"))).await.unwrap();
    let began = Instant::now();

    // It leaves, and nobody looks.
    drop(far);
    peer.closed().await;

    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn what_is_too_long_to_send_is_an_error_and_the_connection_stays() {
    let limits = Limits { sent_bytes: 2000, ..Limits::default() };
    let server = a_service()
        .limits(limits.clone())
        .method_with("repeat", open(), |request| async move {
            let functions = Functions::new();
            let function = functions.add(|_| async {});
            request.keep(functions);
            Ok(("x".repeat(request.arg::<usize>()?), function))
        })
        .method_with("length", open(), |request| async move { request.arg::<&str>().map(str::len) })
        .build();
    let client = Service::builder(a_kite("cli")).limits(limits).build();
    let (client, other) = connect(&client, &server);

    let answer = client.call::<(String, Callback)>("repeat", 5000).await.unwrap_err();
    let question = client.call::<usize>("length", "x".repeat(5000)).await.unwrap_err();

    assert!(answer.is(kind::TOO_LARGE) && answer.message.contains("2000 can"), "{answer}");
    assert!(question.is(kind::TOO_LARGE), "{question}");
    assert_eq!(other.counts().functions, 0);
    assert_eq!(client.counts().open_calls, 0);
    assert_eq!(client.call::<usize>("length", "x".repeat(500)).await.unwrap(), 500);
    assert_eq!(client.call::<(String, Callback)>("repeat", 500).await.unwrap().0.len(), 500);
}
