//! The life of a connection: load, storms, slow ends, and every way to end.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use kite::transport::pair;
use kite::{Context, Error, Functions, Limits, MethodOptions, Service, error::kind};
use serde_json::{Value, json};

use crate::ends::{Hand, a_kite, a_service, client_of, connect, soon, until};

fn open() -> MethodOptions {
    MethodOptions::new().open()
}

#[tokio::test]
async fn a_hundred_thousand_calls_leave_nothing_behind() {
    let server =
        a_service()
            .method_with("square", open(), |request| async move {
                request.arg::<u64>().map(|number| number * number)
            })
            .method_with("later", open(), |request| async move {
                tokio::task::yield_now().await;
                request.arg::<u64>()
            })
            .build();
    let (client, other) = connect(&Service::client(a_kite("cli")), &server);

    let mut calls = FuturesUnordered::new();
    let mut sum = 0_u64;
    for number in 0..100_000_u64 {
        let client = client.clone();
        let method = if number % 10 == 0 { "later" } else { "square" };
        calls.push(async move { client.call::<u64>(method, number % 7).await });
        if calls.len() >= 500 {
            sum += calls.next().await.unwrap().unwrap();
        }
    }
    while let Some(answer) = calls.next().await {
        sum += answer.unwrap();
    }

    let expected: u64 =
        (0..100_000_u64).map(|number| if number % 10 == 0 { number % 7 } else { (number % 7).pow(2) }).sum();
    assert_eq!(sum, expected);
    assert_eq!(client.counts(), kite::ConnectionCounts::default());
    assert_eq!(other.counts(), kite::ConnectionCounts::default());
    assert_eq!(server.counts().calls, 100_000);
}

/// More calls than tokio lets one task begin before it has to yield.
#[tokio::test]
async fn no_call_starves_while_others_keep_coming() {
    let gate = Arc::new(tokio::sync::Semaphore::new(1));
    let server = a_service()
        .method_with("later", open(), move |request| {
            let gate = gate.clone();
            async move {
                for _ in 0..2 {
                    drop(gate.acquire().await.map_err(|_| Error::generic("closed"))?);
                    tokio::task::yield_now().await;
                }
                request.arg::<u64>()
            }
        })
        .build();
    let client = client_of(&server);

    let mut calls = FuturesUnordered::new();
    let mut furthest = 0;
    for number in 0..10_000_u64 {
        let client = &client;
        calls.push(async move { client.call::<u64>("later", number).await });
        if calls.len() >= 500 {
            let answered = calls.next().await.unwrap().unwrap();
            furthest = furthest.max(number - answered);
        }
    }

    assert!(furthest < 2500, "a call was overtaken by {furthest}");
}

#[tokio::test]
async fn calls_run_beside_each_other_and_both_ways() {
    let server = a_service()
        .method_with("ask_back", open(), |request| async move {
            let number: u32 = request.arg()?;
            request.peer().call::<u32>("double", number).await
        })
        .build();
    let client = Service::builder(a_kite("cli"))
        .method_with("double", open(), |request| async move { request.arg::<u32>().map(|number| 2 * number) })
        .build();
    let (client, _) = connect(&client, &server);

    let calls = (0..100_u32).map(|number| {
        let client = &client;
        async move { client.call::<u32>("ask_back", number).await.unwrap() == 2 * number }
    });

    assert!(futures_util::future::join_all(calls).await.into_iter().all(|right| right));
}

#[tokio::test]
async fn a_second_answer_is_ignored() {
    let mut hand = Hand::to(&a_service().build());
    let peer = hand.peer.clone();
    let call = tokio::spawn(async move { peer.call::<u8>("m", ()).await });
    hand.next().await;

    hand.send(r#"{"method":0,"arguments":[{"result":1}]}"#).await;
    hand.send(r#"{"method":0,"arguments":[{"result":2}]}"#).await;

    assert_eq!(soon(call).await.unwrap(), Ok(1));
    until(|| hand.peer.counts().late == 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_after_its_time_out_is_ignored() {
    let mut hand = Hand::to(&a_service().build());
    let error = hand.peer.request("m").timeout(Duration::from_secs(1)).send::<u8>().await.unwrap_err();
    assert!(error.is(kind::TIMEOUT));
    hand.next().await;

    hand.send(r#"{"method":0,"arguments":[{"result":1}]}"#).await;

    until(|| hand.peer.counts().late == 1).await;
    assert_eq!(hand.peer.counts().open_calls, 0);
}

#[tokio::test]
async fn functions_that_never_were_are_counted_and_a_storm_of_them_ends_the_connection() {
    let limits = Limits { nonsense_per_second: 20, ..Limits::default() };
    let mut hand = Hand::to(&a_service().limits(limits).build());
    for id in 0..10 {
        hand.send(&format!(r#"{{"method":{id}}}"#)).await;
    }
    assert_eq!(hand.call("kite.ping", "[]").await["result"], "pong");
    assert_eq!(hand.peer.counts().nonsense, 10);

    for id in 0..1_000_000_u64 {
        if !hand.try_send(&format!(r#"{{"method":{id}}}"#)).await {
            break;
        }
    }

    soon(hand.peer.closed()).await;
}

#[tokio::test]
async fn nonsense_is_survived_in_small_amounts_and_ends_a_connection_in_large_ones() {
    let nonsense =
        ["", "5", "{}", "[]", r#"{"method":-1}"#, r#"{"method":null}"#, "\u{0}", r#"{"method":"m""#];
    let mut hand = Hand::to(&a_service().build());
    for text in nonsense {
        hand.send(text).await;
    }
    assert_eq!(hand.call("kite.ping", "[]").await["result"], "pong");

    for text in nonsense.iter().cycle().take(60) {
        hand.send(text).await;
    }
    until(|| hand.peer.counts().nonsense == 60 + 8).await;
    for text in nonsense.iter().cycle().take(40) {
        hand.send(text).await;
    }

    assert_eq!(hand.next().await, None);
    assert!(hand.peer.is_closed());
}

#[tokio::test]
async fn a_call_beyond_a_limit_is_answered_and_the_connection_goes_on() {
    let mut hand = Hand::to(&a_service().build());
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));

    let answer = hand.call("kite.ping", &deep).await;

    assert_eq!(answer["error"]["type"], "tooLarge");
    assert_eq!(answer["error"]["message"], "the message is nested deeper than 64 levels");
    assert_eq!(hand.call("kite.ping", "[]").await["result"], "pong");
}

#[tokio::test]
async fn a_message_beyond_the_length_ends_the_connection() {
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let mut hand = Hand::to(&a_service().limits(limits).build());

    hand.send(&"x".repeat(1001)).await;

    assert_eq!(hand.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_no_answers_is_read_no_further() {
    let limits = Limits { queue_bytes: 10_000, ..Limits::default() };
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let server = a_service()
        .limits(limits)
        .method_with("big", open(), move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok("x".repeat(1000)) }
        })
        .build();
    let (near, mut far) = pair(4);
    let (_peer, connection) = server.serve(near, Context::default());
    tokio::spawn(connection);
    let call = r#"{"method":"big","arguments":[{"responseCallback":"[Function]"}],"callbacks":{"0":[0,"responseCallback"]}}"#;

    let mut sent = 0;
    while tokio::time::timeout(Duration::from_millis(300), far.send(call.to_owned())).await.is_ok() {
        sent += 1;
        assert!(sent < 1000, "nothing holds the caller back");
    }
    let stopped_at = handled.load(Ordering::Relaxed);

    assert!((10..100).contains(&stopped_at), "{stopped_at}");
    for _ in 0..sent {
        soon(far.next()).await.unwrap().unwrap();
    }
    assert_eq!(handled.load(Ordering::Relaxed), sent);
}

#[tokio::test(start_paused = true)]
async fn calls_that_run_are_bounded_in_number_and_memory() {
    let check = async |limits: Limits, most: usize| {
        let running = Arc::new(AtomicUsize::new(0));
        let count = running.clone();
        let server = a_service()
            .limits(limits)
            .method_with("wait", open(), move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                async {
                    pending::<()>().await;
                    Ok(())
                }
            })
            .build();
        let (near, mut far) = pair(4);
        let (peer, connection) = server.serve(near, Context::default());
        tokio::spawn(connection);
        let call = r#"{"method":"wait","arguments":[{"withArgs":["0123456789"]}]}"#;
        let mut sent = 0;
        while tokio::time::timeout(Duration::from_millis(300), far.send(call.to_owned())).await.is_ok() {
            sent += 1;
        }
        assert!(sent > most);
        assert_eq!(peer.counts().running, running.load(Ordering::Relaxed));
        running.load(Ordering::Relaxed)
    };

    let by_number = check(Limits { pending_calls: 7, ..Limits::default() }, 7).await;
    let by_memory = check(Limits { pending_memory: 10_000, ..Limits::default() }, 5).await;

    assert_eq!(by_number, 7);
    assert!((5..20).contains(&by_memory), "{by_memory}");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_takes_nothing_is_given_up() {
    let server = a_service().build();
    let (near, far) = pair(1);
    let (peer, connection) = server.serve(near, Context::default());
    tokio::spawn(connection);
    let began = tokio::time::Instant::now();

    for _ in 0..3 {
        peer.notify("m", ()).await.unwrap();
    }
    peer.closed().await;

    assert_eq!(began.elapsed().as_secs(), 60);
    drop(far);
}

#[tokio::test]
async fn callers_wait_for_room_and_none_is_lost() {
    let limits = Limits { queue_bytes: 500, ..Limits::default() };
    let client = Service::builder(a_kite("cli")).limits(limits).build();
    let server = a_service()
        .method_with("length", open(), |request| async move { request.arg::<&str>().map(str::len) })
        .build();
    let (client, _) = connect(&client, &server);

    // Some are longer than all of the room.
    let calls = (0..200_usize).map(|number| {
        let client = &client;
        async move { client.call::<usize>("length", "x".repeat(number * 10)).await.unwrap() == number * 10 }
    });

    assert!(soon(futures_util::future::join_all(calls)).await.into_iter().all(|right| right));
}

#[tokio::test]
async fn calls_that_wait_when_the_connection_ends_fail_with_disconnect() {
    let server = a_service()
        .method_with("never", open(), |_| async {
            pending::<()>().await;
            Ok(())
        })
        .build();
    let (near, far) = pair(8);
    let (client, connection) = Service::client(a_kite("cli")).serve(near, Context::default());
    tokio::spawn(connection);
    let (_, connection) = server.serve(far, Context::default());
    let serving = tokio::spawn(connection);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<()>("never", ()).await })
        })
        .collect();
    until(|| client.counts().open_calls == 50 && server.counts().calls == 50).await;

    serving.abort();

    for call in calls {
        assert!(soon(call).await.unwrap().unwrap_err().is(kind::DISCONNECTED));
    }
    soon(client.closed()).await;
    assert!(client.is_closed());
    assert!(client.call::<()>("never", ()).await.unwrap_err().is(kind::DISCONNECTED));
    assert!(client.notify("never", ()).await.unwrap_err().is(kind::DISCONNECTED));
    assert_eq!(client.counts().open_calls, 0);
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_caller_is_gone() {
    let held = Arc::new(());
    let keep = held.clone();
    let server = a_service()
        .method_with("hold", open(), move |_| {
            let keep = keep.clone();
            async move {
                pending::<()>().await;
                drop(keep);
                Ok(())
            }
        })
        .build();
    let client = client_of(&server);
    client.notify("hold", ()).await.unwrap();
    until(|| Arc::strong_count(&held) == 3).await;

    client.close();

    until(|| Arc::strong_count(&held) == 2).await;
}

#[tokio::test]
async fn what_was_sent_before_a_close_arrives() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let server = a_service()
        .method_with("note", open(), move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        })
        .build();
    let client = client_of(&server);

    for _ in 0..500 {
        client.notify("note", ()).await.unwrap();
    }
    client.close();
    soon(client.closed()).await;

    until(|| seen.load(Ordering::Relaxed) == 500).await;
}

#[tokio::test(start_paused = true)]
async fn closing_an_end_that_takes_nothing_takes_five_seconds() {
    let (near, far) = pair(1);
    let (peer, connection) = a_service().build().serve(near, Context::default());
    tokio::spawn(connection);
    let began = tokio::time::Instant::now();
    for _ in 0..3 {
        peer.notify("m", ()).await.unwrap();
    }

    peer.close();
    peer.closed().await;

    assert_eq!(began.elapsed().as_secs(), 5);
    drop(far);
}

#[tokio::test]
async fn a_drained_connection_finishes_what_runs_and_takes_nothing_new() {
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let gate = go.clone();
    let server = a_service()
        .method_with("wait", open(), move |_| {
            let gate = gate.clone();
            async move {
                gate.acquire().await.map_err(|_| Error::generic("closed"))?.forget();
                Ok("done")
            }
        })
        .build();
    let (client, other) = connect(&Service::client(a_kite("cli")), &server);
    let running = {
        let client = client.clone();
        tokio::spawn(async move { client.call::<String>("wait", ()).await })
    };
    until(|| other.counts().running == 1).await;

    let draining = tokio::spawn(async move { other.drain(Duration::from_secs(50)).await });
    let refused = soon(async {
        loop {
            match client.request("kite.ping").send::<Value>().await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    })
    .await;
    go.add_permits(1);

    assert!(refused.is(kind::DISCONNECTED));
    assert_eq!(refused.message, "this kite takes no more calls, because it stops");
    assert_eq!(soon(running).await.unwrap().unwrap(), "done");
    soon(draining).await.unwrap();
    soon(client.closed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_at_its_limit() {
    let server = a_service()
        .method_with("never", open(), |_| async {
            pending::<()>().await;
            Ok(())
        })
        .build();
    let (client, other) = connect(&Service::client(a_kite("cli")), &server);
    let running = {
        let client = client.clone();
        tokio::spawn(
            async move { client.request("never").timeout(Duration::from_mins(15)).send::<()>().await },
        )
    };
    until(|| other.counts().running == 1).await;
    let began = tokio::time::Instant::now();

    other.drain(Duration::from_secs(3)).await;

    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(running.await.unwrap().unwrap_err().is(kind::DISCONNECTED));
}

#[tokio::test]
async fn an_idle_connection_is_small_and_drains_at_once() {
    let (client, other) = connect(&Service::client(a_kite("cli")), &a_service().build());

    soon(other.drain(Duration::from_secs(1000))).await;

    soon(client.closed()).await;
    // What one connection costs beside its transport and a few small allocations.
    assert!(size_of::<kite::Connection>() < 512, "{}", size_of::<kite::Connection>());
}

#[tokio::test]
async fn ids_that_are_used_twice_belong_to_the_caller() {
    let server =
        a_service().method_with("echo", open(), |request| async move { request.arg::<Value>() }).build();
    let mut hand = Hand::to(&server);

    for number in 0..3 {
        assert_eq!(hand.call("echo", &format!("[{number}]")).await["result"], json!(number));
    }
}

#[tokio::test]
async fn a_group_outlives_its_connections() {
    let group = Functions::new();
    let server = a_service()
        .method_with("take", open(), |request| async move { request.arg::<kite::Callback>().map(|_| ()) })
        .build();

    for _ in 0..100 {
        let client = client_of(&server);
        client.call::<()>("take", group.add(|_| async {})).await.unwrap();
        assert_eq!(client.counts().functions, 1);
        client.close();
        soon(client.closed()).await;
        assert_eq!(client.counts().functions, 0);
    }
    drop(group);
}
