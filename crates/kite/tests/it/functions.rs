//! Functions that travel: order, groups, release, and what a slow one holds up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use kite::{Callback, Error, Functions, Limits, MethodOptions, Peer, Service, ServiceBuilder, error::kind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use crate::ends::{a_kite, a_service, client_of, connect, soon, until};

fn open() -> MethodOptions {
    MethodOptions::new().open()
}

/// A server whose method `subscribe` keeps the callback it is given.
fn a_keeper(builder: ServiceBuilder) -> (Service, mpsc::UnboundedReceiver<Callback>) {
    let (sender, kept) = mpsc::unbounded_channel();
    let server = builder
        .method_with("subscribe", open(), move |request| {
            let sender = sender.clone();
            async move {
                let callback: Callback = request.arg()?;
                sender.send(callback).map_err(|_| Error::generic("nobody keeps it"))
            }
        })
        .build();
    (server, kept)
}

#[tokio::test]
async fn invocations_of_a_group_run_one_after_the_other_in_order() {
    let (server, mut kept) = a_keeper(a_service());
    let client = client_of(&server);
    let seen = Arc::new(Mutex::new(vec![]));
    let running = Arc::new(AtomicU32::new(0));
    let group = Functions::new();
    let note = {
        let (seen, running) = (seen.clone(), running.clone());
        move |arguments: kite::Arguments| {
            let (seen, running) = (seen.clone(), running.clone());
            async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                let number: u32 = arguments.arg().unwrap();
                for _ in 0..number % 3 {
                    tokio::task::yield_now().await;
                }
                seen.lock().unwrap().push(number);
                running.fetch_sub(1, Ordering::SeqCst);
            }
        }
    };

    client.call::<()>("subscribe", group.add(note.clone())).await.unwrap();
    client.call::<()>("subscribe", group.add(note)).await.unwrap();
    let callbacks = [kept.recv().await.unwrap(), kept.recv().await.unwrap()];
    for number in 0..3000_u32 {
        callbacks[usize::from(number % 2 == 0)].call(number).await.unwrap();
    }

    until(|| seen.lock().unwrap().len() == 3000).await;
    assert!(seen.lock().unwrap().iter().copied().eq(0..3000));
}

#[tokio::test]
async fn a_group_that_waits_holds_up_no_other() {
    let (server, mut kept) = a_keeper(a_service());
    let client = client_of(&server);
    let (stuck, free) = (Functions::new(), Functions::new());
    let (sender, mut seen) = mpsc::unbounded_channel();

    client.call::<()>("subscribe", stuck.add(|_| std::future::pending())).await.unwrap();
    let add = free.add(move |arguments| {
        sender.send(arguments.arg::<u8>().unwrap()).unwrap();
        async {}
    });
    client.call::<()>("subscribe", add).await.unwrap();
    let (first, second) = (kept.recv().await.unwrap(), kept.recv().await.unwrap());
    first.call(1).await.unwrap();
    first.call(2).await.unwrap();
    second.call(3).await.unwrap();

    assert_eq!(soon(seen.recv()).await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_full_group_stops_the_reading_and_its_release_lets_it_go_on() {
    let limits = Limits { group_invocations: 4, queue_bytes: 1000, ..Limits::default() };
    let (server, mut kept) = a_keeper(a_service().limits(limits.clone()));
    let client = Service::builder(a_kite("cli")).limits(limits).build();
    let (client, _) = connect(&client, &server);
    let group = Functions::new();
    let begun = Arc::new(AtomicU32::new(0));
    let count = begun.clone();
    let stuck = group.add(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    });
    client.call::<()>("subscribe", stuck).await.unwrap();
    let callback = kept.recv().await.unwrap();

    // What fits: the group's queue, the pair's messages, the bytes of the server's queue.
    let text = "x".repeat(100);
    let mut sent = 0;
    while soon(async {
        tokio::select! {
            result = callback.call(&text) => { result.unwrap(); true }
            () = tokio::time::sleep(std::time::Duration::from_millis(300)) => false,
        }
    })
    .await
    {
        sent += 1;
    }
    assert!((10..200).contains(&sent), "{sent}");
    assert!(callback.try_call(&text).unwrap_err().is(kind::SEND));
    assert_eq!(begun.load(Ordering::Relaxed), 1);

    drop(group);
    for _ in 0..1000 {
        soon(callback.call(&text)).await.unwrap();
    }
    assert_eq!(begun.load(Ordering::Relaxed), 1);
    assert_eq!(client.counts().functions, 0);
}

#[tokio::test]
async fn a_released_function_is_ignored_and_counted() {
    let (server, mut kept) = a_keeper(a_service());
    let client = client_of(&server);
    let group = Functions::new();
    client.call::<()>("subscribe", group.add(|_| async { panic!("it was released") })).await.unwrap();
    let callback = kept.recv().await.unwrap();
    assert_eq!(client.counts().functions, 1);

    drop(group);
    callback.call(1).await.unwrap();

    until(|| client.counts().late == 1).await;
    assert_eq!(client.counts().functions, 0);
    assert_eq!(client.call::<String>("kite.ping", ()).await.unwrap(), "pong");
}

#[tokio::test]
async fn a_function_may_drop_its_own_group_and_still_finish() {
    let (server, mut kept) = a_keeper(a_service());
    let client = client_of(&server);
    let slot = Arc::new(Mutex::new(None));
    let (sender, mut seen) = mpsc::unbounded_channel();
    let group = Functions::new();
    let exit = {
        let slot = slot.clone();
        group.add(move |arguments| {
            let (slot, sender) = (slot.clone(), sender.clone());
            async move {
                drop(slot.lock().unwrap().take());
                tokio::task::yield_now().await;
                sender.send(arguments.arg::<i32>().unwrap()).unwrap();
            }
        })
    };
    client.call::<()>("subscribe", exit).await.unwrap();
    *slot.lock().unwrap() = Some(group);
    let callback = kept.recv().await.unwrap();

    callback.call(5).await.unwrap();
    callback.call(6).await.unwrap();

    assert_eq!(soon(seen.recv()).await, Some(5));
    until(|| client.counts().late == 1 || seen.try_recv().is_err()).await;
    assert_eq!(seen.try_recv().ok(), None);
}

#[tokio::test]
async fn a_function_that_panics_stays() {
    let (server, mut kept) = a_keeper(a_service());
    let client = client_of(&server);
    let group = Functions::new();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let add = group.add(move |arguments| {
        let number: u8 = arguments.arg().unwrap();
        assert_ne!(number, 1, "on purpose");
        let sender = sender.clone();
        async move {
            assert_ne!(number, 2, "on purpose");
            sender.send(number).unwrap();
        }
    });
    client.call::<()>("subscribe", add).await.unwrap();
    let callback = kept.recv().await.unwrap();

    for number in 1..=3 {
        callback.call(number).await.unwrap();
    }

    assert_eq!(soon(seen.recv()).await, Some(3));
}

#[tokio::test]
async fn a_function_sent_after_its_group_ended_is_refused() {
    let (server, _kept) = a_keeper(a_service());
    let client = client_of(&server);
    let group = Functions::new();
    let function = group.add(|_| async {});
    drop(group);

    let error = client.call::<()>("subscribe", function).await.unwrap_err();

    assert!(error.is(kind::SEND));
    assert_eq!((client.counts().functions, client.counts().open_calls), (0, 0));
}

#[tokio::test]
async fn a_connection_has_a_bound_on_functions() {
    let limits = Limits { functions: 3, ..Limits::default() };
    let (server, mut kept) = a_keeper(a_service());
    let client = Service::builder(a_kite("cli")).limits(limits).build();
    let (client, _) = connect(&client, &server);
    let group = Functions::new();
    let function = || group.add(|_| async {});
    let two = Functions::new();

    client.call::<()>("subscribe", two.add(|_| async {})).await.unwrap();
    let error = client.call::<()>("subscribe", (function(), function(), function())).await.unwrap_err();
    assert!(error.is(kind::TOO_LARGE));
    assert_eq!(client.counts().functions, 1);
    drop(two);
    client.call::<Value>("subscribe", (function(), function(), function())).await.unwrap_err();

    // Too many arguments for the method, yet they were sent.
    assert_eq!(client.counts().functions, 3);
    drop(group);
    assert_eq!(client.counts().functions, 0);
    kept.recv().await.unwrap();
}

#[tokio::test]
async fn a_text_that_looks_like_a_function_is_none() {
    let (server, mut kept) = a_keeper(a_service());
    let client = client_of(&server);

    for text in ["[Function]", "\u{1}function 00 0"] {
        let error = client.call::<()>("subscribe", text).await.unwrap_err();
        assert!(error.is(kind::ARGUMENT), "{error}");
    }
    assert!(kept.recv().now_or_never().is_none());
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Tagged {
    On { maybe: Option<Callback>, many: HashMap<String, Vec<Callback>> },
}

#[derive(Deserialize)]
struct Flat {
    #[serde(flatten)]
    inner: HashMap<String, Value>,
    #[serde(flatten)]
    tagged: Tagged,
}

#[derive(Serialize)]
struct Sent<F> {
    kind: &'static str,
    maybe: F,
    many: HashMap<&'static str, [F; 2]>,
    other: Value,
}

#[tokio::test]
async fn functions_may_be_anywhere_in_a_type() {
    let server = a_service()
        .method_with("deep", open(), |request| async move {
            let Flat { inner, tagged: Tagged::On { maybe, many } } = request.arg()?;
            assert!(inner.contains_key("other"));
            maybe.ok_or_else(|| Error::argument("none"))?.call("maybe").await?;
            for (name, callbacks) in many {
                for callback in callbacks {
                    callback.call(&name).await?;
                }
            }
            Ok(())
        })
        .build();
    let client = client_of(&server);
    let group = Functions::new();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let function = || {
        let sender = sender.clone();
        group.add(move |arguments| {
            sender.send(arguments.arg::<String>().unwrap()).unwrap();
            async {}
        })
    };
    let many = HashMap::from([("many", [function(), function()])]);
    client.call::<()>("deep", Sent { kind: "on", maybe: function(), many, other: json!(5) }).await.unwrap();

    for expected in ["maybe", "many", "many"] {
        assert_eq!(soon(seen.recv()).await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_function_may_be_given_on() {
    let echo = a_service()
        .method_with("relay", open(), |request| async move {
            let callback: Callback = request.arg()?;
            let group = Functions::new();
            let forward = group.add(move |arguments| {
                let callback = callback.clone();
                async move { callback.call(arguments.raw()).await.unwrap() }
            });
            request.keep(group);
            Ok(json_of(forward))
        })
        .build();
    let client = client_of(&echo);
    let group = Functions::new();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let function = group.add(move |arguments| {
        sender.send(arguments.args::<(u8, String)>().unwrap()).unwrap();
        async {}
    });

    let Reply { forward } = client.call("relay", function).await.unwrap();
    forward.call((1, "one")).await.unwrap();

    assert_eq!(soon(seen.recv()).await, Some((1, "one".to_owned())));
}

#[derive(Deserialize)]
struct Reply {
    forward: Callback,
}

fn json_of(forward: kite::Function) -> impl Serialize {
    HashMap::from([("forward", forward)])
}

/// Tells when it is dropped.
struct Tell(Arc<Notify>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn kept_groups_end_with_their_connection() {
    let gone = Arc::new(Notify::new());
    let told = gone.clone();
    let server = a_service()
        .method_with("watch", open(), move |request| {
            let tell = Tell(told.clone());
            let group = Functions::new();
            let stop = group.add(move |_| {
                let _held = &tell;
                async {}
            });
            request.keep(group);
            async move { Ok(HashMap::from([("stop", stop)])) }
        })
        .build();
    let (client, other): (Peer, Peer) = connect(&Service::client(a_kite("cli")), &server);
    let stop: HashMap<String, Callback> = client.call("watch", ()).await.unwrap();
    assert_eq!(other.counts().functions, 1);

    client.close();

    soon(gone.notified()).await;
    soon(stop["stop"].closed()).await;
    assert!(stop["stop"].call(()).await.unwrap_err().is(kind::DISCONNECTED));
}
